import { ExactlyOnceError, RetryAfterError, type Transaction } from '@exactly-once/core';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { MortalWorld } from './mortal-world.js';

/** Several processes, of which some die, and the events that wait in their database. */
describe('a parked event of several processes', () => {
  let world: MortalWorld;

  beforeEach(() => {
    world = new MortalWorld();
  });

  afterEach(async () => {
    await world.stop();
  });

  const failing = (id: string, times: number) => {
    let failures = 0;
    return (context: { id: string }) => {
      if (context.id === id && failures++ < times) throw new Error('not yet');
    };
  };
  const inTransaction = async (work: (transaction: Transaction) => Promise<void>) => {
    const transaction = await world.storage.begin();
    await work(transaction);
    await transaction.seal();
    await transaction.commit();
  };
  const callsOf = (id: string) => world.calls.filter((call) => call === `h ${id}`);

  it('is tried by one process at a time, whichever parked it', async () => {
    const running = new Set<string>();
    const doubles: string[] = [];
    const handler = () => {
      const fails = failing('1', 2);
      return world.handler('h', async (context) => {
        if (running.has('a')) doubles.push(context.id);
        running.add('a');
        await world.clock.sleep(300);
        running.delete('a');
        fails(context);
      });
    };
    await world.start([handler()]);
    const first = world.engine;
    world.feedKeyed(['1', 'a'], ['2', 'a'], ['3', 'a']);
    await world.pass(400);
    world.broker.consumer = () => ({
      start: async () => {},
      stop: async () => {},
      health: () => ({ status: 'up' }),
    });
    await world.start([handler()]);
    await world.pass(60_000);
    void first.stop();
    await world.pass(20_000);

    expect(doubles).toEqual([]);
    expect(world.effects.slice(-3)).toEqual(['h 1', 'h 2', 'h 3']);
    expect(world.storage.parked.any).toBe(false);
  });

  it('goes on elsewhere where its process dies at a retry, and waits for a person where it kills one after another', async () => {
    const fails = failing('K', 1);
    world.feedKeyed(['K', 'k'], ['K2', 'k'], ['A', 'a']);
    await world.begin([world.handler('h', fails)]);
    void world.engine.drain();
    for (let life = 1; life <= 4; life++) {
      await world.begin([world.killing('h', 'K')], { shutdownMs: 3_600_000 }); // the dead do not come to an end
      await world.pass(5_300);
    }
    const alive = world.calls.length;
    await world.begin([world.handler('h')]);
    await world.pass(60_000);

    expect(callsOf('K').length).toBeGreaterThanOrEqual(4);
    expect(world.calls.slice(alive)).toEqual([]);
    expect(world.waiting).toEqual(['K EO_PROCESS_KILLED, 3 deaths', 'K2 EO_KEY_PARKED, 0 deaths']);
    expect(world.effects).toEqual(['h A']);
  });

  it('does not hold its partition for ever for what is not its fault, and is not given up for it', async () => {
    let isLocked = true;
    await world.start(
      [
        world.handler('h', ({ id }) => {
          if (id === '2' && isLocked)
            throw new ExactlyOnceError('EO_SERIALIZATION_FAILURE', 'a row is locked');
        }),
      ],
      { retry: { attempts: 2 } },
    );
    world.feedKeyed(['1', 'a'], ['2', 'b'], ['3', 'b'], ['4', 'c']);
    await world.pass(60_000);
    const meanwhile = [...world.effects];
    const waiting = [...world.waiting];
    isLocked = false;
    await world.pass(60_000);

    expect(meanwhile).toEqual(['h 1', 'h 4']);
    expect(waiting).toEqual(['2 EO_SERIALIZATION_FAILURE, 0 deaths', '3 EO_KEY_PARKED, 0 deaths']);
    expect(world.effects).toEqual(['h 1', 'h 4', 'h 2', 'h 3']);
    expect(world.letters).toEqual([]);
  });

  it('keeps its handler from being retired, until it is handled', async () => {
    await world.start([world.handler('h', failing('1', 1))]);
    world.feedKeyed(['1', 'a']);
    await world.pass(1);
    void world.engine.stop();
    await world.pass(20_000);
    const retiring = () =>
      world.start([world.handler('k', () => {}, { new: true })], { retiredHandlers: ['h'] });

    await expect(retiring()).rejects.toMatchObject({
      code: 'EO_OPTION_INVALID',
      message: expect.stringContaining('1 events of retired handlers (h) are parked'),
    });
    await world.start([world.handler('h')]);
    await world.pass(60_000);
    void world.engine.stop();
    await world.pass(20_000);
    await retiring();

    expect(world.effects).toContain('h 1');
  });

  it('gives its turn to other keys while there is much of its own', async () => {
    let down = true;
    await world.start([
      world.handler('h', async ({ id }) => {
        if (down && id.endsWith('-0')) throw new RetryAfterError(1_000);
        if (id !== 'late-0') await world.clock.sleep(400);
      }),
    ]);
    const keys = Array.from({ length: 12 }, (_, key) => `k${key}`);
    const events = Array.from({ length: 10 }, (_, index) =>
      keys.map((key) => [`${key}-${index}`, key] as const),
    );
    world.feedKeyed(...events.flat());
    await world.pass(500);
    world.feedKeyed(['late-0', 'late']);
    await world.pass(450);
    down = false;
    await world.pass(60_000);

    expect(world.effects).toHaveLength(121);
    expect(world.effects.indexOf('h late-0')).toBeLessThan(100);
  });

  it('is no killer because the database went away between its mark and its attempt, again and again', async () => {
    const { parked } = world.storage;
    const take = parked.take.bind(parked);
    let takes = 0;
    await world.start([world.handler('h', failing('1', 1))]);
    parked.take = async (...given) => {
      if (++takes % 2 === 0 && takes < 20) throw new Error('no connection');
      return take(...given);
    };
    world.feedKeyed(['1', 'a'], ['2', 'a']);
    await world.pass(600_000);

    expect(takes).toBeGreaterThan(10);
    expect(world.waiting).toEqual([]);
    expect(world.effects).toEqual(['h 1', 'h 2']);
  });

  it('is no killer because several processes are on the way to it', async () => {
    const { parked } = world.storage;
    await world.start([world.handler('h', failing('1', 1))]);
    world.feedKeyed(['1', 'a']);
    await world.pass();
    for (const owner of ['a', 'b', 'c', 'd']) {
      await inTransaction(async (transaction) => {
        const [entry] = parked.entries;
        await parked.take(transaction, entry!);
        await parked.mark(transaction, entry!, owner, world.clock.now());
      });
    }
    await world.pass(3_000);
    const meanwhile = [...world.waiting];
    for (const owner of ['a', 'b', 'c', 'd']) {
      await inTransaction((transaction) => parked.unmark(transaction, parked.entries[0]!, owner));
    }
    await world.pass(10_000);

    expect(meanwhile).toEqual(['1 EO_HANDLER_FAILED, 0 deaths']);
    expect(callsOf('1')).toHaveLength(2);
    expect(world.effects).toEqual(['h 1']);
  });
});
