import { ExactlyOnceError, type Transaction } from '@exactly-once/core';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { caused, MemoryWorld } from './memory-world.js';

/** Faults wrap the ports from outside. */
describe('the engine on a storage that fails', () => {
  let world: MemoryWorld;

  beforeEach(() => {
    world = new MemoryWorld();
  });

  afterEach(async () => {
    await world.stop();
  });

  it.each([
    ['happened', true],
    ['did not happen', false],
  ])('handles an event once where COMMIT was not answered and %s', async (_, happened) => {
    let faults = 0;
    wrapCommit(async (transaction, commit) => {
      if (faults++ > 0) return commit();
      if (happened) await commit();
      else await transaction.rollback();
      throw new ExactlyOnceError('EO_COMMIT_UNKNOWN', 'on purpose');
    });
    await world.start([world.handler('h')]);

    world.feed('1', '2');
    await world.pass(1_000);

    expect(faults).toBeGreaterThan(0);
    expect(world.effects).toEqual(['h 1', 'h 2']);
    expect(world.calls).toHaveLength(happened ? 2 : 4);
  });

  it('halves what fails at COMMIT until only the culprit fails', async () => {
    const before: number[] = [];
    wrapCommit(async (_, commit) => {
      if (world.ledger.rows.some(({ id }) => id === 'bad')) {
        before.push(world.ledger.rows.length);
        throw new Error('a deferred constraint');
      }
      await commit();
    });
    await world.start([world.handler('h', undefined, { retry: { attempts: 2 } })]);

    world.feed('1', '2', 'bad', '4', '5');
    await world.pass(60_000);

    expect(before.length).toBeGreaterThan(1);
    expect(world.effects).toEqual(['h 1', 'h 2', 'h 4', 'h 5']);
    expect(world.letters).toEqual(['h EO_HANDLER_FAILED bad']);
  });

  it('tries again without counting while the database is away, is down meanwhile, and loses nothing', async () => {
    let away = true;
    const begin = world.storage.begin.bind(world.storage);
    world.storage.begin = async () => {
      if (away) throw new ExactlyOnceError('EO_STORAGE_UNAVAILABLE', 'on purpose');
      return begin();
    };
    await world.start([world.handler('h', undefined, { retry: { attempts: 1 } })]);

    world.feed('1');
    await world.pass(5_000);
    expect(world.engine.health()).toMatchObject({
      status: 'down',
      parts: { processing: { status: 'down' } },
    });
    away = false;
    await world.pass(60_000);

    expect(world.effects).toEqual(['h 1']);
    expect(world.letters).toEqual([]);
    expect(world.engine.health().status).toBe('up');
  });

  it('tries a group that collided again in halves, and counts nothing', async () => {
    const sizes: number[] = [];
    wrapCommit(async (_, commit) => {
      sizes.push(world.ledger.rows.length);
      if (sizes.length < 3) throw new ExactlyOnceError('EO_SERIALIZATION_FAILURE', 'on purpose');
      await commit();
    });
    await world.start([world.handler('h', undefined, { retry: { attempts: 1 } })]);

    world.feed('1', '2', '3', '4', '5', '6', '7', '8');
    await world.pass(5_000);

    expect(sizes.slice(0, 3)).toEqual([8, 4, 2]);
    expect(world.effects).toHaveLength(8);
    expect(world.letters).toEqual([]);
  });

  it('sends an event again, with the same id, where the relay fails before it settles', async () => {
    const settle = world.storage.outbox.settle.bind(world.storage.outbox);
    let faults = 0;
    world.storage.outbox.settle = async (...given) => {
      if (faults++ === 0) throw new ExactlyOnceError('EO_STORAGE_UNAVAILABLE', 'on purpose');
      await settle(...given);
    };
    await world.start([]);

    await world.engine.transaction(() => world.engine.outbox.publish(caused, { by: 'a' }));
    await world.pass(5_000);

    expect(world.published).toHaveLength(2);
    expect(new Set(world.published).size).toBe(1);
  });

  it('forgets in bounded steps what is past the window, and nothing else', async () => {
    await world.start([world.handler('h')], {
      retention: { windowDays: 1 / 24, batchSize: 10, intervalMs: 60_000 },
      relay: false,
      dedupCacheSize: 0,
    });
    const steps: number[] = [];
    const forget = world.storage.inbox.deleteOlderThan.bind(world.storage.inbox);
    world.storage.inbox.deleteOlderThan = async (...given) => {
      const deleted = await forget(...given);
      steps.push(deleted);
      return deleted;
    };

    world.feed(...Array.from({ length: 25 }, (_, index) => `old ${index}`));
    await world.pass();
    await world.pass(3_600_000 - 30_000);
    world.feed('young');
    await world.pass(120_000);

    expect(steps.filter((step) => step > 0)).toEqual([10, 10, 5]);
    world.feed('young', 'old 1');
    await world.pass();
    expect(world.effects.filter((effect) => effect === 'h young')).toHaveLength(1);
    expect(world.effects.filter((effect) => effect === 'h old 1')).toHaveLength(2);
  });

  it('publishes nothing, and writes nothing, of a business transaction that fails', async () => {
    await world.start([]);

    const failing = world.engine.transaction(async () => {
      world.ledger.append({ handler: 'http', id: '1' });
      await world.engine.outbox.publish(caused, { by: 'a' });
      throw new Error('on purpose');
    });
    await expect(failing).rejects.toThrow('on purpose');
    await world.pass(5_000);

    expect(world.effects).toEqual([]);
    expect(world.published).toEqual([]);
  });

  function wrapCommit(
    around: (transaction: Transaction, commit: () => Promise<void>) => Promise<void>,
  ): void {
    const begin = world.storage.begin.bind(world.storage);
    world.storage.begin = async () => {
      const transaction = await begin();
      const commit = transaction.commit.bind(transaction);
      transaction.commit = () => around(transaction, commit);
      return transaction;
    };
  }
});
