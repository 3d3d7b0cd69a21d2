import { EventContext, IdempotentHandler } from '@exactly-once/nestjs';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Controller, type INestApplication, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Ctx, EventPattern, Payload, Transport } from '@nestjs/microservices';
import { DataSource } from 'typeorm';
import { until } from '../services/ports.js';
import { findRabbitmq, type RabbitmqServer } from '../services/rabbitmq.js';
import { NestWorld } from './nest-world.js';

interface Told {
  readonly note: string;
  readonly fail?: 'once' | 'always';
}

describe("bare @IdempotentHandler() over Nest's own transports", () => {
  let world: NestWorld;
  let rabbit: RabbitmqServer;
  let queue: string;
  let app: INestApplication;
  const calls: string[] = [];

  beforeAll(async () => {
    world = await NestWorld.open('foreign');
    rabbit = await findRabbitmq();
    queue = rabbit.queue('foreign');

    @Controller()
    class ToldHandlers {
      constructor(private readonly source: DataSource) {}

      @IdempotentHandler({ name: 'rabbit' })
      @EventPattern<string>('told', Transport.RMQ)
      async rabbit(@Payload() told: Told) {
        await this.handle('rabbit', told);
      }

      @IdempotentHandler({ name: 'kafka' })
      @EventPattern<string>(world.topic, Transport.KAFKA)
      async kafka(@Payload() told: Told, @Ctx() _context: EventContext) {
        await this.handle('kafka', told);
      }

      private async handle(handler: string, { note, fail }: Told) {
        calls.push(`${handler} ${note}`);
        await this.source.query('INSERT INTO ledger (handler, event_id) VALUES ($1, $2)', [handler, note]);
        const before = calls.filter((call) => call === `${handler} ${note}`).length;
        if (fail === 'always' || (fail === 'once' && before === 1)) throw new Error('not this time');
      }
    }

    @Module({
      imports: [world.typeOrm(), world.exactlyOnce({ broker: false })],
      controllers: [ToldHandlers],
    })
    class MainModule {}
    app = await NestFactory.create(MainModule, { logger: false, abortOnError: false });
    world.apps.push(app);
    app.connectMicroservice({
      transport: Transport.RMQ,
      options: { urls: [rabbit.url], queue, noAck: false, queueOptions: { durable: false } },
    });
    app.connectMicroservice({
      transport: Transport.KAFKA,
      options: {
        client: { brokers: world.kafka.brokers, logLevel: 0 },
        consumer: { groupId: world.kafka.group('foreign') },
        subscribe: { fromBeginning: true },
      },
    });
    await app.init();
    await app.startAllMicroservices();
  });

  afterAll(async () => {
    await world.close();
    await rabbit.stop();
  });

  it('handles a RabbitMQ message once, also when it comes twice', async () => {
    await send({ note: 'twice' }, 'r1');
    await send({ note: 'twice' }, 'r1');
    await send({ note: 'after' }, 'r2');

    await world.handled('rabbit after');

    expect((await world.ledger()).filter((one) => one === 'rabbit twice')).toHaveLength(1);
  });

  it('rolls back and tries again where the handler fails, and dead-letters what fails for ever', async () => {
    await send({ note: 'flaky', fail: 'once' }, 'r3');
    await send({ note: 'hopeless', fail: 'always' }, 'r4');
    await send({ note: 'without an id' }, undefined);

    await world.handled('rabbit flaky');
    await until(
      'both are dead-lettered',
      async () => (await world.database.query('SELECT 1 FROM eo_dead_letter')).length === 2,
    );

    const ledger = await world.ledger();
    expect(ledger.filter((one) => one === 'rabbit flaky')).toHaveLength(1);
    expect(ledger).not.toContain('rabbit hopeless');
    const letters = await world.database.query('SELECT code FROM eo_dead_letter ORDER BY code');
    expect(letters).toEqual([{ code: 'EO_HANDLER_FAILED' }, { code: 'EO_ID_INVALID' }]);
  });

  it("handles a record of Nest's Kafka once, also when it comes twice", async () => {
    await world.feed({ id: 'k1', data: { note: 'k1' } }, { id: 'k1', data: { note: 'k1' } });
    await world.feed({ id: 'k2', data: { note: 'k2', fail: 'once' } }, { id: 'k3', data: { note: 'k3' } });

    await world.handled('kafka k3');

    const ledger = (await world.ledger()).filter((one) => one.startsWith('kafka'));
    expect(ledger).toEqual(['kafka k1', 'kafka k2', 'kafka k3']);
  });

  it.each([
    ['says that it acknowledges at once', true, false],
    ['says nothing, which is the same', undefined, false],
    ['is connected when the application runs already', true, true],
  ])('refuses RabbitMQ that %s', async (_, noAck, late) => {
    @Controller()
    class BareHandlers {
      @IdempotentHandler({ name: 'bare' })
      @EventPattern<string>('told', Transport.RMQ)
      async handle() {}
    }

    @Module({
      imports: [world.typeOrm(), world.exactlyOnce({ service: 'bare', broker: false })],
      controllers: [BareHandlers],
    })
    class BareModule {}
    const bare = await NestFactory.create(BareModule, { logger: false, abortOnError: false });
    world.apps.push(bare);
    if (late) await bare.init();
    const connecting = async () =>
      bare.connectMicroservice({
        transport: Transport.RMQ,
        options: { urls: [rabbit.url], queue, ...(noAck === undefined ? {} : { noAck }) },
      });

    await expect(connecting()).rejects.toThrow(/noAck: false/);
    world.apps.pop();
    await bare.close();
  });

  it('has acknowledged all: nothing comes again once its channel is gone', async () => {
    await app.close();
    world.apps.pop();

    const { messageCount } = await rabbit.channel((channel) => channel.checkQueue(queue));

    expect(messageCount).toBe(0);
  });

  async function send(data: Told, messageId: string | undefined): Promise<void> {
    await rabbit.channel(async (channel) => {
      await channel.assertQueue(queue, { durable: false });
      const content = Buffer.from(JSON.stringify({ pattern: 'told', data }));
      channel.sendToQueue(queue, content, messageId === undefined ? {} : { messageId });
    });
  }
});
