import { ExactlyOnceError, PermanentError } from '@exactly-once/core';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type BatchWork, BatchWorld } from './batch-world.js';

describe('a batch handler that fails', () => {
  let world: BatchWorld;

  beforeEach(() => {
    world = new BatchWorld();
  });

  afterEach(async () => {
    await world.stop();
  });

  const failsAt =
    (bad: string, error = new Error('no')): BatchWork =>
    (contexts) => {
      if (contexts.some(({ id }) => id === bad)) throw error;
    };

  it('gives up only the event that fails among many, alone, and is not told again of what was committed', async () => {
    const ids = Array.from({ length: 40 }, (_, index) => `${index + 1}`);
    const commits = world.countAtCommits();
    await world.start([world.batched(failsAt('11'), { retry: { attempts: 3 } })], {
      batch: { maxEvents: 16 },
    });

    world.feed(...ids);
    await world.pass(60_000);

    expect(world.effects).toEqual(ids.filter((id) => id !== '11').map((id) => `b ${id}`));
    expect(world.letters).toEqual(['b EO_HANDLER_FAILED 11']);
    expect(world.storage.deadLetters.letters[0]).toMatchObject({ attempts: 3 });
    expect(world.batches.filter((call) => call === '11')).toHaveLength(3);
    expect(world.batches.filter((call) => call.split(' ').includes('1'))).toHaveLength(2);
    const suspects = ids.slice(0, 16);
    const mixed = world.batches.filter(
      (call) => new Set(call.split(' ').map((id) => suspects.includes(id))).size > 1,
    );
    expect(mixed).toEqual([]);
    expect(commits[0]).toBe(8);
  });

  it('gives up an event that can never be handled behind an earlier one of its key that is tried again', async () => {
    await world.start([world.batched(failsAt('1'), { retry: { attempts: 2, backoffMs: 1_000 } })]);

    const of = (id: string, body: string, key: string) => ({ ...world.message(id, body), key });
    world.broker.append('in', of('1', '{}', 'k'), of('2', 'no json', 'k'), of('3', '{}', 'j'));
    await world.pass(60_000);

    expect(world.effects).toEqual(['b 3']);
    expect(world.letters).toEqual(['b EO_HANDLER_FAILED 1', 'b EO_BODY_INVALID 2']);
    expect(world.storage.deadLetters.letters.map(({ attempts }) => attempts)).toEqual([2, 1]);
  });

  it('keeps the neighbours of an event that recovers', async () => {
    let healthy = false;
    await world.start([
      world.batched((contexts) => {
        if (!healthy && contexts.some(({ id }) => id === '3')) throw new Error('not yet');
      }),
    ]);

    world.feed('1', '2', '3', '4');
    await world.pass();
    expect(world.effects).toEqual(['b 1', 'b 2', 'b 4']);
    healthy = true;
    await world.pass(1_000);

    expect(world.effects).toEqual(['b 1', 'b 2', 'b 4', 'b 3']);
    expect(world.letters).toEqual([]);
  });

  it('finds the one that never ends in the same way, within its time', async () => {
    await world.start([
      world.batched(
        async (contexts) => {
          if (contexts.some(({ id }) => id === '2')) await new Promise(() => {});
        },
        { timeoutMs: 1_000, retry: { attempts: 1 } },
      ),
    ]);

    world.feed('1', '2', '3', '4');
    await world.pass(60_000);

    expect(world.effects).toEqual(['b 1', 'b 3', 'b 4']);
    expect(world.letters).toEqual(['b EO_HANDLER_TIMEOUT 2']);
  });

  it('is not blamed for a deadlock, however large the batch', async () => {
    let deadlocks = 0;
    await world.start([
      world.batched(
        () => {
          if (deadlocks++ < 3)
            world.failStatement(new ExactlyOnceError('EO_SERIALIZATION_FAILURE', 'on purpose'));
        },
        { retry: { attempts: 1 } },
      ),
    ]);

    world.feed('1', '2', '3', '4');
    await world.pass(60_000);

    expect(world.effects).toEqual(['b 1', 'b 2', 'b 3', 'b 4']);
    expect(world.letters).toEqual([]);
  });

  it('leaves what cannot be committed to its halves', async () => {
    world.eachTransaction((transaction) => {
      const commit = transaction.commit.bind(transaction);
      transaction.commit = async () => {
        if (world.ledger.rows.some(({ id }) => id === '3')) throw new Error('a deferred constraint');
        await commit();
      };
    });
    await world.start([world.batched(() => {}, { retry: { attempts: 1 } })]);

    world.feed('1', '2', '3', '4');
    await world.pass(60_000);

    expect(world.effects).toEqual(['b 1', 'b 2', 'b 4']);
    expect(world.letters).toEqual(['b EO_HANDLER_FAILED 3']);
  });

  it('is admitted apart from a single handler of the same type, and fails apart from it', async () => {
    await world.start([world.batched(failsAt('2', new PermanentError('no'))), world.handler('s')]);

    world.feed('1', '2', '3');
    await world.pass(60_000);

    expect([...world.effects].sort()).toEqual(['b 1', 'b 3', 's 1', 's 2', 's 3']);
    expect(world.letters).toEqual(['b EO_PERMANENT 2']);
  });

  it('loses nothing where a single handler of the same type fails behind a savepoint', async () => {
    await world.start(
      [
        world.batched(),
        world.handler('s', ({ id }) => {
          if (id !== '3') return;
          try {
            world.failStatement(new Error('swallowed'));
          } catch {
            // as a careless handler does
          }
        }),
      ],
      { retry: { attempts: 2 } },
    );

    world.feed('1', '2', '3', '4');
    await world.pass(60_000);

    expect([...world.effects].sort()).toEqual(['b 1', 'b 2', 'b 3', 'b 4', 's 1', 's 2', 's 4']);
    expect(world.letters).toEqual(['s EO_TRANSACTION_ABORTED 3']);
  });

  it('loses nothing where it fails itself in a group with savepoints', async () => {
    await world.start([
      world.batched(
        () => {
          if (world.batches.length === 2) throw new Error('the second time only');
        },
        { batch: 2 },
      ),
      world.handler('s', ({ id }) => {
        if (id !== '3' || world.batches.length > 1) return;
        try {
          world.failStatement(new Error('swallowed'));
        } catch {
          // as a careless handler does
        }
      }),
    ]);

    world.feed('1', '2', '3', '4');
    await world.pass(60_000);

    expect([...world.effects].sort()).toEqual(
      [1, 2, 3, 4].map((id) => `b ${id}`).concat([1, 2, 3, 4].map((id) => `s ${id}`)),
    );
    expect(world.letters).toEqual([]);
  });

  it('is asked once more alone before an event is given up that saw what its neighbours had not committed', async () => {
    await world.start([
      world.batched(() => {
        if (world.ledger.rows.some(({ handler }) => handler === 's')) throw new PermanentError('closed');
      }),
      world.handler('s'),
    ]);

    world.feed('1');
    await world.pass(60_000);

    expect(world.effects).toEqual(['b 1', 's 1']);
    expect(world.letters).toEqual([]);
  });

  it('has handled what waits before a transaction ends for its time', async () => {
    const commits = world.countAtCommits();
    await world.start([world.batched(), world.handler('s', () => world.clock.sleep(30))], {
      batch: { maxOpenMs: 50 },
    });

    world.feed('1', '2', '3', '4');
    await world.pass(1_000);

    expect(commits.length).toBeGreaterThan(1);
    expect([...world.effects].sort()).toEqual(['b 1', 'b 2', 'b 3', 'b 4', 's 1', 's 2', 's 3', 's 4']);
  });

  it('is interrupted with its signal at shutdown and rolled back', async () => {
    const signals: AbortSignal[] = [];
    await world.start(
      [
        world.batched(async ([context]) => {
          signals.push(context!.signal);
          await new Promise(() => {});
        }),
      ],
      { shutdownMs: 100 },
    );

    world.feed('1', '2');
    await world.pass();
    await world.stop();

    expect(signals.map(({ aborted }) => aborted)).toEqual([true]);
    expect(world.effects).toEqual([]);
    expect(world.letters).toEqual([]);
  });
});
