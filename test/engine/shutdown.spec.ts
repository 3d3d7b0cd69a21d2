import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { caused, MemoryWorld } from './memory-world.js';

describe('the engine at shutdown', () => {
  let world: MemoryWorld;

  beforeEach(() => {
    world = new MemoryWorld();
  });

  afterEach(async () => {
    const stopping = world.engine.stop().catch(() => {});
    await world.pass(20_000);
    await stopping;
  });

  const codeOf = (work: Promise<unknown>) =>
    work.then(
      () => 'resolved',
      (error: { code?: string }) => error.code ?? String(error),
    );

  it('tells each transaction apart: no signal gathers listeners, of which Node warns', async () => {
    const listeners = new Map<unknown, number>();
    const listening = jest.spyOn(EventTarget.prototype, 'addEventListener').mockImplementation(function (
      this: EventTarget,
    ) {
      listeners.set(this, (listeners.get(this) ?? 0) + 1);
    });
    try {
      await world.start([]);
      const work = () => world.clock.sleep(100);
      const running = Promise.all(Array.from({ length: 40 }, () => world.engine.transaction(work)));
      await world.pass(200);
      await running;
    } finally {
      listening.mockRestore();
    }

    expect(Math.max(...listeners.values())).toBeLessThanOrEqual(10);
  });

  it('waits for a business transaction that is in flight', async () => {
    await world.start([]);
    const running = codeOf(
      world.engine.transaction(async () => {
        world.ledger.append({ handler: 'http', id: 'before' });
        await world.clock.sleep(1_000);
        world.ledger.append({ handler: 'http', id: 'after' });
      }),
    );
    await world.pass();

    const stopping = world.engine.stop().then(() => world.log.push('stopped'));
    await world.pass(900);
    expect(world.log).not.toContain('stopped');
    await world.pass(200);
    await stopping;

    expect(await running).toBe('resolved');
    expect(world.effects).toEqual(['http before', 'http after']);
  });

  it('rolls a business transaction back that outlives the grace time, and refuses what it writes then', async () => {
    await world.start([], { shutdownMs: 500 });
    const late: unknown[] = [];
    const running = codeOf(
      world.engine.transaction(async () => {
        world.ledger.append({ handler: 'http', id: 'before' });
        await world.clock.sleep(5_000);
        try {
          world.ledger.append({ handler: 'http', id: 'after' });
        } catch (error) {
          late.push((error as { code: string }).code);
        }
      }),
    );
    await world.pass();

    const stopping = world.engine.stop();
    await world.pass(600);
    await stopping;
    expect(await running).toBe('EO_SHUTTING_DOWN');
    await world.pass(10_000);

    expect(late).toEqual(['EO_TRANSACTION_ENDED']);
    expect(world.effects).toEqual([]);
  });

  it('ends a business transaction that still waits for a connection', async () => {
    await world.start([], { shutdownMs: 500 });
    const begin = world.storage.begin.bind(world.storage);
    const states: string[] = [];
    world.storage.begin = async () => {
      await world.clock.sleep(5_000);
      const transaction = await begin();
      const rollback = transaction.rollback.bind(transaction);
      transaction.rollback = async () => {
        await rollback();
        states.push(transaction.state);
      };
      return transaction;
    };
    const running = codeOf(world.engine.transaction(async () => {}));

    const stopping = world.engine.stop();
    await world.pass(600);
    await stopping;
    await world.pass(10_000);

    expect(await running).toBe('EO_SHUTTING_DOWN');
    expect(states).toEqual(['rolled-back']);
  });

  it('refuses a new business transaction, and lets a running one nest', async () => {
    await world.start([]);
    const nested = codeOf(
      world.engine.transaction(async () => {
        await world.clock.sleep(1_000);
        await world.engine.transaction(async () => world.ledger.append({ handler: 'nested', id: '1' }));
      }),
    );
    await world.pass();

    const stopping = world.engine.stop();
    const refused = await codeOf(world.engine.transaction(async () => {}));
    await world.pass(2_000);
    await stopping;

    expect(refused).toBe('EO_SHUTTING_DOWN');
    expect(await nested).toBe('resolved');
    expect(world.effects).toEqual(['nested 1']);
  });

  it('takes every step where one fails, and tells of all that failed', async () => {
    const closed: string[] = [];
    const consumer = world.broker.consumer.bind(world.broker);
    world.broker.consumer = (request) => {
      const made = consumer(request);
      const stop = made.stop.bind(made);
      made.stop = async (graceMs) => {
        await stop(graceMs);
        throw new Error('the consumer');
      };
      return made;
    };
    const publisher = world.broker.publisher();
    world.broker.publisher = () => ({
      ...publisher,
      stop: async () => {
        throw new Error('the publisher');
      },
    });
    world.broker.close = async () => void closed.push('broker');
    world.storage.close = async () => void closed.push('storage');
    await world.start([world.handler('h')]);
    await world.pass();

    const stopping = world.engine.stop().then(
      () => null,
      (error: AggregateError) => error,
    );
    await world.pass(20_000);
    const error = await stopping;

    expect(closed).toEqual(['broker', 'storage']);
    expect(error).toBeInstanceOf(AggregateError);
    expect(error?.errors.map(String)).toEqual(['Error: the consumer', 'Error: the publisher']);
    expect(error?.message).toContain('the consumer');
  });

  it('does not wait longer than its time for a last round of the relay', async () => {
    let stopped = false;
    const publisher = world.broker.publisher();
    world.broker.publisher = () => ({
      ...publisher,
      send: () => new Promise(() => {}),
      stop: async () => {
        stopped = true;
      },
    });
    await world.start([], { shutdownMs: 500 });
    await world.engine.transaction(() => world.engine.outbox.publish(caused, { by: 'x' }));
    await world.pass(100);

    const stopping = world.engine.stop().then(() => world.log.push('stopped'));
    await world.pass(2_000);
    await stopping;

    expect(stopped).toBe(true);
    expect((await world.storage.outbox.depth()).pending).toBe(1);
  });

  it('leaves no storage open that opened late', async () => {
    const order: string[] = [];
    world.storage.open = async () => {
      await world.clock.sleep(60_000);
      order.push('opened');
    };
    world.storage.close = async () => void order.push('closed');
    const starting = codeOf(world.start([world.handler('h')]));
    await world.pass();

    const stopping = world.engine.stop();
    await world.pass(20_000);
    await stopping;
    await world.pass(60_000);

    expect(await starting).toBe('resolved');
    expect(order.lastIndexOf('closed')).toBeGreaterThan(order.indexOf('opened'));
    expect(world.engine.health().status).toBe('down');
  });

  it('is final', async () => {
    await world.start([]);
    await world.engine.stop();

    expect(await codeOf(world.engine.start())).toBe('EO_SHUTTING_DOWN');
  });
});

describe('publishing without await', () => {
  it.each([
    ['at once', 0],
    ['asynchronously', 1],
  ])('never commits an effect without its event, where the codec encodes %s', async (_, ms) => {
    const world = new MemoryWorld();
    const encode = () => Buffer.from('{}');
    const encodeLater = async () => {
      await world.clock.sleep(ms);
      return encode();
    };
    await world.start(
      [
        world.handler('h', () => {
          world.engine.outbox.publish(caused, { by: 'x' }).catch(() => {});
        }),
      ],
      {
        codec: {
          contentType: 'application/json',
          encode: ms === 0 ? encode : encodeLater,
          decode: () => ({}),
        },
      },
    );

    world.feed('1');
    await world.pass(120_000);

    expect(world.effects).toEqual(ms === 0 ? ['h 1'] : []);
    expect(world.published).toHaveLength(world.effects.length);
    expect(world.letters).toEqual(ms === 0 ? [] : ['h EO_TRANSACTION_ENDED 1']);
    await world.stop();
  });
});
