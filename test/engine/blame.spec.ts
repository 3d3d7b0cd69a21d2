import { ExactlyOnceError, PermanentError } from '@exactly-once/core';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { MemoryWorld } from './memory-world.js';

const deadlock = () => new ExactlyOnceError('EO_SERIALIZATION_FAILURE', 'a deadlock, on purpose');

describe('whose fault a failure is', () => {
  let world: MemoryWorld;

  beforeEach(() => {
    world = new MemoryWorld();
  });

  afterEach(async () => {
    await world.stop();
  });

  it("is not the neighbour's that meets an aborted transaction, whatever it makes of that", async () => {
    await world.start([
      world.handler(
        'h',
        ({ id }) => {
          if (id === 'A') swallow(new Error('division by zero'));
        },
        { retry: { attempts: 2 } },
      ),
    ]);
    wrapAppend((cause) => new PermanentError('cannot store it', { cause }));

    world.feed('1', 'A', 'B');
    await world.pass(60_000);

    expect(world.effects).toEqual(['h 1', 'h B']);
    expect(world.letters).toEqual(['h EO_TRANSACTION_ABORTED A']);
    expect(world.calls.filter((call) => call === 'h B')).toHaveLength(1); // never in what A left behind
    expect(world.storage.deadLetters.letters[0]?.errorChain.at(-1)).toBe('Error: division by zero');
  });

  it('is decided for good only where what the event saw was committed', async () => {
    world.eachTransaction((transaction) => {
      const commit = transaction.commit.bind(transaction);
      transaction.commit = async () => {
        if (world.ledger.rows.some(({ id }) => id === 'bad')) throw new Error('a deferred constraint');
        await commit();
      };
    });
    await world.start([
      world.handler(
        'h',
        ({ id }) => {
          const closed = world.ledger.rows.some((row) => row.id === 'bad');
          if (id === '2' && closed) throw new PermanentError('the account is closed');
        },
        { retry: { attempts: 1 } },
      ),
    ]);

    world.feed('bad', '2');
    await world.pass(60_000);

    expect(world.effects).toEqual(['h 2']);
    expect(world.letters).toEqual(['h EO_HANDLER_FAILED bad']);
  });

  it('is decided for good only there, too, where it did not come to an end behind a savepoint', async () => {
    let slow = 0;
    await world.start([
      world.handler(
        'h',
        async ({ id }) => {
          if (id === 'A' && world.calls.length === 1)
            swallow(new Error('so that the group is run with savepoints'));
          if (id === 'B' && slow++ === 0) await new Promise(() => {});
        },
        { timeoutMs: 1_000, retry: { attempts: 1 } },
      ),
    ]);

    world.feed('A', 'B');
    await world.pass(10_000);

    expect(slow).toBe(2);
    expect(world.effects).toEqual(['h A', 'h B']);
    expect(world.letters).toEqual([]);
  });

  it.each([
    ['in a group', ['1', 'x'], () => {}],
    ['alone', ['x'], () => {}],
    ['behind a savepoint', ['swallows', 'x'], (id: string) => id === 'swallows'],
  ])(
    "is nobody's where a deadlock ended the transaction, also if the handler wraps it: %s",
    async (_, ids, bad) => {
      let deadlocks = 0;
      await world.start([
        world.handler(
          'h',
          ({ id }) => {
            if (bad(id) && world.calls.length === 1) swallow(new Error('on purpose'));
            if (id !== 'x' || deadlocks === 3) return;
            deadlocks++;
            try {
              world.failStatement(deadlock());
            } catch {
              throw new PermanentError('wrapped');
            }
          },
          { retry: { attempts: 3 } },
        ),
      ]);

      world.feed(...ids);
      await world.pass(60_000);

      expect(deadlocks).toBe(3);
      expect(world.effects).toEqual(ids.map((id) => `h ${id}`));
      expect(world.letters).toEqual([]);
    },
  );

  it("is the handler's own where it came back from a deadlock in a nested transaction", async () => {
    await world.start([
      world.handler('h', async ({ id }) => {
        const nested = world.engine.transaction(async () => world.failStatement(deadlock()));
        await nested.catch(() => {});
        if (id === 'refused') throw new PermanentError('the account is busy');
      }),
    ]);

    world.feed('1', 'refused', '3');
    await world.pass(60_000);

    expect(world.effects).toEqual(['h 1', 'h 3']);
    expect(world.letters).toEqual(['h EO_PERMANENT refused']);
  });

  function swallow(error: Error): void {
    try {
      world.failStatement(error);
    } catch {
      // as a careless handler does
    }
  }

  /** What the handlers make of an error of their first write. */
  function wrapAppend(wrap: (error: unknown) => Error): void {
    const append = world.ledger.append.bind(world.ledger);
    world.ledger.append = (row) => {
      try {
        append(row);
      } catch (error) {
        throw wrap(error);
      }
    };
  }
});
