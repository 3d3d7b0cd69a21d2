import {
  DeadLetters,
  dryRunApplication,
  EventContext,
  EventType,
  exactlyOnce,
  IdempotentHandler,
  OutboxRepository,
  PermanentError,
} from '@exactly-once/nestjs';
import { InMemoryStorage } from '@exactly-once/testing';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  Controller,
  type INestApplication,
  Injectable,
  type PipeTransform,
  type Type,
  UsePipes,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Ctx, Payload } from '@nestjs/microservices';
import { until } from '../services/ports.js';
import { MemoryApplication, quiet } from './memory-application.js';

let failing: boolean;
let calls: string[];

@EventType<Placed>('order.placed', { topic: 'orders' })
class Placed {
  constructor(readonly orderId: string) {}
}

@EventType<Captured>('payment.captured', { topic: 'payments', key: ({ orderId }) => orderId })
class Captured {
  constructor(readonly orderId: string) {}
}

@Injectable()
class Counting implements PipeTransform {
  transform(value: unknown): unknown {
    calls.push('pipe');
    return value;
  }
}

@Controller()
class Payments {
  constructor(private readonly outbox: OutboxRepository) {}

  @UsePipes(Counting)
  @IdempotentHandler(Placed, { name: 'capture' })
  async capture(@Payload() { orderId }: Placed, @Ctx() context: EventContext): Promise<void> {
    calls.push(`${orderId} ${context.dryRun}`);
    if (failing) throw new PermanentError('the card was refused');
    await this.outbox.publish(new Captured(orderId));
  }
}

describe('DeadLetters', () => {
  let world: MemoryApplication;
  let module: Type;
  let app: INestApplication;
  let storage: InMemoryStorage;
  let deadLetters: DeadLetters;

  beforeEach(async () => {
    failing = true;
    calls = [];
    world = new MemoryApplication();
    storage = new InMemoryStorage();
    module = world.module(
      { controllers: [Payments] },
      { storage: { inject: [], create: () => storage }, validate: false },
    );
    app = await NestFactory.create(module, quiet);
    app.connectMicroservice(exactlyOnce(), { inheritAppConfig: true });
    await app.startAllMicroservices();
    await app.init();
    const headers = { ce_specversion: '1.0', ce_id: '1', ce_source: 'test', ce_type: 'order.placed' };
    world.broker.append('orders', { headers, body: '{"orderId":"o-1"}' });
    deadLetters = app.get(DeadLetters);
    await until('it is dead', async () => (await deadLetters.count()) === 1);
    calls = [];
  });

  afterEach(() => app.close());

  it('shows what was given up, and why', async () => {
    const [head] = await deadLetters.list();
    const letter = await deadLetters.show(head!.id);

    expect(head).toMatchObject({ handler: 'capture', type: 'order.placed', code: 'EO_PERMANENT' });
    expect(letter!.errorChain[0]).toContain('the card was refused');
    expect(String(letter!.body)).toBe('{"orderId":"o-1"}');
  });

  it('replays, edits and discards, with who and why', async () => {
    const edited = await deadLetters.edit(1n, '{"orderId":"o-2"}', { by: 'ada' });
    const report = await deadLetters.replay({ type: 'order.placed' }, { by: 'ada' });
    const late = await deadLetters.discard({ ids: [1n] }, { by: 'bob', why: 'too late' });

    expect([edited, report, late]).toEqual([
      true,
      { replayed: 1, refused: [] },
      { discarded: 0, notDead: [1n] },
    ]);
    expect(storage.parked.entries.map(({ body }) => String(body))).toEqual(['{"orderId":"o-2"}']);
    await expect(deadLetters.edit(1n, '{}', { by: ' ' })).rejects.toMatchObject({
      code: 'EO_OPTION_INVALID',
    });
  });

  it('shows by a dry run what the handler would do, behind its pipes', async () => {
    failing = false;

    const { failure, published } = await deadLetters.dryRun(1n);

    expect(failure).toBeNull();
    expect(published.map(({ topic, key }) => [topic, key])).toEqual([['payments', 'o-1']]);
    expect(calls).toEqual(['pipe', 'pipe', 'o-1 true']);
    expect(await deadLetters.count()).toBe(1);
  });

  it('works in an application that does nothing else', async () => {
    await app.close();
    world.feed('orders', 'order.placed', 'not consumed');

    const other = await dryRunApplication(module);
    const { failure } = await other.deadLetters.dryRun(1n);
    const unknown = await dryRunApplication(module, 'billing').catch((error: unknown) => error);
    await other.close();

    expect(failure?.errorChain[0]).toContain('the card was refused');
    expect(unknown).toMatchObject({ code: 'EO_OPTION_INVALID' });
    expect(calls).toEqual(['pipe', 'pipe', 'o-1 true']);
  });
});
