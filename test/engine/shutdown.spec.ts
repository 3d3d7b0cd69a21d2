import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { caused, MemoryWorld } from './memory-world.js';

describe('the engine at shutdown', () => {
  let world: MemoryWorld;

  beforeEach(() => {
    world = new MemoryWorld();
  });

  afterEach(async () => {
    await world.stop().catch(() => {});
  });

  const codeOf = (work: Promise<unknown>) =>
    work.then(
      () => 'resolved',
      (error: { code?: string }) => error.code ?? String(error),
    );

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
