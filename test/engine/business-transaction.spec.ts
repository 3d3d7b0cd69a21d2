import { ExactlyOnceError } from '@exactly-once/core';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { caused, MemoryWorld } from './memory-world.js';

const deadlock = () => new ExactlyOnceError('EO_SERIALIZATION_FAILURE', 'a deadlock, on purpose');

describe('a business transaction', () => {
  let world: MemoryWorld;

  beforeEach(async () => {
    world = new MemoryWorld();
    await world.start([]);
  });

  afterEach(async () => {
    await world.stop();
  });

  const write = (id = '1') => world.ledger.append({ handler: 'http', id });
  const run = (work: () => unknown) =>
    world.engine.transaction(async () => {
      write();
      await world.engine.outbox.publish(caused, { by: 'a' });
      return work();
    });
  const nestedDeadlock = () =>
    world.engine.transaction(async () => world.failStatement(deadlock())).catch(() => {});

  it('resolves where COMMIT was not answered and the database says that it happened', async () => {
    world.eachTransaction((transaction) => transaction.loseAnswer('committed'));

    const result = await run(() => 'result');
    await world.pass(5_000);

    expect(result).toBe('result');
    expect(world.effects).toEqual(['http 1']);
    expect(world.published).toHaveLength(1);
  });

  it('says that nothing was committed where the database says so', async () => {
    world.eachTransaction((transaction) => transaction.loseAnswer('rolled-back'));

    await expect(run(() => {})).rejects.toMatchObject({
      code: 'EO_STORAGE_UNAVAILABLE',
      cause: { code: 'EO_COMMIT_UNKNOWN' },
    });

    expect(world.effects).toEqual([]);
  });

  it.each([
    ['', () => {}],
    [', also after it came back from a deadlock', nestedDeadlock],
  ])('says that its outcome is unknown where the database cannot be asked%s', async (_, work) => {
    world.eachTransaction((transaction) => transaction.loseAnswer('committed', false));

    await expect(run(work)).rejects.toMatchObject({ code: 'EO_COMMIT_UNKNOWN' });

    expect(world.effects).toEqual(['http 1']);
  });

  it('says that its outcome is unknown, whatever else went wrong with its connection', async () => {
    world.eachTransaction((transaction) => {
      transaction.loseAnswer('committed', false);
      const seal = transaction.seal.bind(transaction);
      transaction.seal = async () => {
        await seal();
        transaction.fault = new ExactlyOnceError('EO_STORAGE_UNAVAILABLE', 'noticed by a timer');
      };
    });

    await expect(run(() => {})).rejects.toMatchObject({ code: 'EO_COMMIT_UNKNOWN' });
  });

  it('rejects with the error of its code, also after it came back from a deadlock', async () => {
    const own = new Error('sold out');

    const failing = run(async () => {
      await nestedDeadlock();
      throw own;
    });

    await expect(failing).rejects.toBe(own);
    expect(world.effects).toEqual([]);
  });

  it('rejects with the deadlock that ended it, whatever its code made of that', async () => {
    const failing = run(() => {
      try {
        world.failStatement(deadlock());
      } catch {
        throw new Error('could not be stored');
      }
    });

    await expect(failing).rejects.toMatchObject({ code: 'EO_SERIALIZATION_FAILURE' });
  });

  it('commits nothing where it returned while statements of its own were still running', async () => {
    const failing = run(() => {
      world.storage.ambient.current()!.pending++;
    });

    await expect(failing).rejects.toMatchObject({ code: 'EO_TRANSACTION_ENDED' });
    expect(world.effects).toEqual([]);
    expect(world.published).toEqual([]);
  });
});
