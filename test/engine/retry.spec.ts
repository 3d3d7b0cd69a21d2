import { RetryAfterError } from '@exactly-once/core';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { MemoryWorld } from './memory-world.js';

/** In place, with `order: 'partition'`; how one waits in the database is said in parking.spec.ts. */
describe('an event that failed', () => {
  let world: MemoryWorld;

  beforeEach(() => {
    world = new MemoryWorld();
    const start = world.start.bind(world);
    world.start = (handlers, options) => start(handlers, { order: 'partition', ...options });
  });

  afterEach(async () => {
    await world.stop();
  });

  const callsOf = (id: string) => world.calls.filter((call) => call === `h ${id}`);

  it('keeps the defaults of its retry where an option is given as undefined', async () => {
    const at: number[] = [];
    await world.start(
      [
        world.handler(
          'h',
          () => {
            at.push(world.clock.now());
            throw new Error('always');
          },
          { retry: { attempts: undefined, backoffMs: undefined } as never },
        ),
      ],
      { retry: { attempts: 3, maxBackoffMs: undefined } as never },
    );

    world.feed('1');
    await world.pass(60_000);

    expect(world.letters).toEqual(['h EO_HANDLER_FAILED 1']);
    expect(at.map((time) => time - at[0]!)).toEqual([0, 50, 150]);
  });

  it('waits before its second attempt inside a batch too, while those before it are committed', async () => {
    const at: number[] = [];
    await world.start([
      world.handler(
        'h',
        ({ id }) => {
          if (id !== '2') return;
          at.push(world.clock.now());
          if (at.length === 1) throw new Error('not yet');
        },
        { retry: { attempts: 2, backoffMs: 10_000 } },
      ),
    ]);

    world.feed('1', '2', '3');
    await world.pass(4_000);
    expect(world.effects).toEqual(['h 1']);
    await world.pass(60_000);

    expect(at.map((time) => time - at[0]!)).toEqual([0, 5_000]);
    expect(world.effects).toEqual(['h 1', 'h 2', 'h 3']);
  });

  it.each(['1', '2'])('has its transaction to itself afterwards (event %s of 3)', async (bad) => {
    const commits = world.countAtCommits();
    let failures = 0;
    await world.start([
      world.handler('h', ({ id }) => {
        if (id === bad && failures++ === 0) throw new Error('not yet');
      }),
    ]);

    world.feed('1', '2', '3');
    await world.pass(60_000);

    expect(world.effects).toEqual(['h 1', 'h 2', 'h 3']);
    expect(commits).toEqual(bad === '1' ? [1, 3] : [1, 2, 3]);
  });

  it('is not tried before its time where it asked for one, and does not hold those before it', async () => {
    await world.start([
      world.handler('h', ({ id }) => {
        if (id === '2' && callsOf('2').length === 1) throw new RetryAfterError(5_000);
      }),
    ]);

    world.feed('1', '2', '3');
    await world.pass(4_900);

    expect(world.effects).toEqual(['h 1']);
    expect(callsOf('2')).toHaveLength(1);
    await world.pass(200);
    expect(world.effects).toEqual(['h 1', 'h 2', 'h 3']);
  });

  it('is not waited for again with those before it where it did not come to an end', async () => {
    await world.start([
      world.handler(
        'h',
        async ({ id }) => {
          if (id === '2') await new Promise(() => {});
        },
        { timeoutMs: 1_000, retry: { attempts: 3 } },
      ),
    ]);

    world.feed('1', '2', '3');
    await world.pass(1_100);
    const commits = world.effects.length;
    await world.pass(20_000);

    expect(commits).toBeGreaterThan(0);
    expect(callsOf('1')).toHaveLength(2);
    expect(callsOf('2')).toHaveLength(3);
    expect(world.effects).toEqual(['h 1', 'h 3']);
  });

  it('asks no timer for more than it can, and is not tried where one ends too early', async () => {
    const longestTimerMs = 2_147_483_647;
    const asked: number[] = [];
    const sleep = world.clock.sleep.bind(world.clock);
    world.clock.sleep = (ms, signal) => {
      if (ms < longestTimerMs / 2) return sleep(ms, signal);
      asked.push(ms);
      return sleep(1, signal);
    };
    await world.start([
      world.handler('h', () => {
        throw new RetryAfterError(3 * longestTimerMs);
      }),
    ]);

    world.feed('1');
    await world.pass(100);

    expect(callsOf('1')).toHaveLength(1);
    expect(asked.length).toBeGreaterThan(1);
    expect(Math.max(...asked)).toBe(longestTimerMs);
  });

  it('waits for better times where its dead letter cannot be written; those before it are committed', async () => {
    const insert = world.storage.deadLetters.insert.bind(world.storage.deadLetters);
    let tries = 0;
    let broken = true;
    world.storage.deadLetters.insert = async (...given) => {
      tries++;
      if (broken) throw new Error('the table is read-only');
      await insert(...given);
    };
    await world.start([world.handler('h')]);

    world.broker.append('in', world.message('1'), { body: 'no headers' }, world.message('3'));
    await world.pass(60_000);
    const [triesWhileBroken, effectsWhileBroken] = [tries, world.effects];
    broken = false;
    await world.pass(60_000);

    expect(triesWhileBroken).toBeLessThan(20);
    expect(effectsWhileBroken).toEqual(['h 1']);
    expect(world.letters).toEqual(['null EO_ENVELOPE_INVALID null']);
    expect(world.effects).toEqual(['h 1', 'h 3']);
  });

  it('is no event at all where there is nothing to handle: the position waits for better times', async () => {
    let seals = 0;
    let broken = true;
    world.eachTransaction((transaction) => {
      const seal = transaction.seal.bind(transaction);
      transaction.seal = async () => {
        if (++seals > 1_000) await new Promise(() => {});
        if (broken) throw new Error('a subscriber of the user');
        await seal();
      };
    });
    await world.start([world.handler('h')]);

    world.broker.append('in', world.message('1', '{}', 'unknown'));
    await world.pass(60_000);
    const sealsWhileBroken = seals;
    broken = false;
    await world.pass(60_000);
    world.feed('2');
    await world.pass();

    expect(sealsWhileBroken).toBeLessThan(20);
    expect(world.effects).toEqual(['h 2']);
  });
});

describe('RetryAfterError', () => {
  it.each([Number.NaN, Number.POSITIVE_INFINITY, -1, '5' as never])(
    'refuses to wait for %s ms',
    (delayMs) => {
      expect(() => new RetryAfterError(delayMs)).toThrow(
        expect.objectContaining({ code: 'EO_OPTION_INVALID' }) as never,
      );
    },
  );
});
