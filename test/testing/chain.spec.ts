import { EventType, IdempotentHandler, OutboxRepository } from '@exactly-once/nestjs';
import { checkExactlyOnce, testExactlyOnce } from '@exactly-once/testing';
import { describe, expect, it } from '@jest/globals';
import { Controller, Module } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';

@EventType('asked', { topic: 'questions' })
class Asked {}
@EventType('answered', { topic: 'answers' })
class Answered {}
@EventType('noted', { topic: 'notes' })
class Noted {}
@EventType('filed', { topic: 'files' })
class Filed {}

@Controller()
class Chain {
  constructor(private readonly outbox: OutboxRepository) {}

  @IdempotentHandler(Asked)
  async answer(@Payload() _asked: Asked) {
    await this.outbox.publish(new Answered());
  }

  @IdempotentHandler(Answered)
  async note(@Payload() _answered: Answered) {
    await this.outbox.publish(new Noted());
  }

  @IdempotentHandler(Noted)
  async file(@Payload() _noted: Noted) {
    await this.outbox.publish(new Filed());
  }
}

@Module({ controllers: [Chain] })
class ChainModule {}

describe('a module that handles what it publishes', () => {
  it('has ids that hang on each other, and the check has nothing to say about them', async () => {
    const app = await testExactlyOnce(ChainModule);

    const { runs } = await checkExactlyOnce(app, new Asked());
    await app.deliver(new Asked());

    expect(runs).toBeGreaterThan(5);
    expect(app.published().map(({ type }) => type)).toEqual(['answered', 'noted', 'filed']);
    await app.close();
  });
});
