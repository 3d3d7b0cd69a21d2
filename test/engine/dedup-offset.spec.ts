import { type ConsumerRequest, type ProcessingSession } from '@exactly-once/core';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { MemoryWorld } from './memory-world.js';

const byOffset = { dedup: 'offset' } as const;

describe("a handler with dedup: 'offset'", () => {
  let world: MemoryWorld;
  /** Records that were written to the inbox and are there. */
  let records: Set<string>;

  beforeEach(() => {
    world = new MemoryWorld();
    records = new Set();
    const { inbox } = world.storage;
    const [admit, withdraw] = [inbox.admit.bind(inbox), inbox.withdraw.bind(inbox)];
    inbox.admit = async (transaction, given) => {
      for (const { key } of given) records.add(Buffer.from(key).toString('hex'));
      return admit(transaction, given);
    };
    inbox.withdraw = async (transaction, keys) => {
      for (const key of keys) records.delete(Buffer.from(key).toString('hex'));
      return withdraw(transaction, keys);
    };
  });

  afterEach(async () => {
    await world.stop();
  });

  it('writes no record, and runs the same id again at another offset', async () => {
    await world.start([world.handler('o', () => {}, byOffset)]);

    world.feed('1', '2', '1');
    await world.pass();
    world.feed('2');
    await world.pass();

    expect(world.effects).toEqual(['o 1', 'o 2', 'o 1', 'o 2']);
    expect(records.size).toBe(0);
  });

  it('stands beside one with the inbox, each as it says', async () => {
    await world.start([world.handler('o', () => {}, byOffset), world.handler('i')]);

    world.feed('1', '2', '1');
    await world.pass();

    expect([...world.effects].sort()).toEqual(['i 1', 'i 2', 'o 1', 'o 1', 'o 2']);
    expect(records.size).toBe(2);
  });

  it('takes no place in the cache of ids', async () => {
    await world.start([world.handler('o', () => {}, byOffset), world.handler('i')], { dedupCacheSize: 2 });
    world.feed('1', '2', '3');
    await world.pass();
    records.clear();

    world.feed('2', '3');
    await world.pass();

    expect([...world.effects].sort()).toEqual(['i 1', 'i 2', 'i 3', 'o 1', 'o 2', 'o 2', 'o 3', 'o 3']);
    expect(records.size).toBe(0); // nothing was asked of the inbox
  });

  it('runs once where a COMMIT was not answered, whatever became of it', async () => {
    let transactions = 0;
    world.eachTransaction((transaction) => {
      if (++transactions === 1) transaction.loseAnswer('committed');
      if (transactions === 2) transaction.loseAnswer('rolled-back');
    });
    await world.start([world.handler('o', () => {}, byOffset)]);

    world.feed('1', '2', '3');
    await world.pass(60_000);
    world.feed('4');
    await world.pass(60_000);

    expect(world.effects).toEqual(['o 1', 'o 2', 'o 3', 'o 4']);
  });

  it('is retried and dead-lettered as any other, without its neighbours', async () => {
    await world.start([
      world.handler(
        'o',
        ({ id }) => {
          if (id === '2') throw new Error('no');
        },
        { ...byOffset, retry: { attempts: 2 } },
      ),
    ]);

    world.feed('1', '2', '3');
    await world.pass(60_000);

    expect(world.effects).toEqual(['o 1', 'o 3']);
    expect(world.letters).toEqual(['o EO_HANDLER_FAILED 2']);
    expect(records.size).toBe(0);
  });

  it('takes batches', async () => {
    const calls: string[] = [];
    const { invoke: _, ...definition } = world.handler('o', () => {}, byOffset);
    await world.start([
      {
        ...definition,
        batch: 10,
        invokeBatch: async (_events, contexts) => void calls.push(contexts.map(({ id }) => id).join(' ')),
      },
    ]);

    world.feed('1', '2', '1');
    await world.pass();

    expect(calls).toEqual(['1 2 1']);
  });

  describe('beside others on the same event, that commit apart from it', () => {
    it.each([
      ['the process stops between the two', false],
      ['its COMMIT is not answered', true],
    ])('runs once where %s', async (_, unanswered) => {
      let healthy = false;
      await world.start(
        handlers(() => healthy),
        { order: 'partition' },
      );
      if (unanswered) loseOneAnswer();

      world.feed('1', '2', '3');
      await world.pass();
      expect(world.effects).toEqual(['a 1', 'b 1', 'a 2']);
      if (!unanswered) {
        await world.stop();
        await world.start(
          handlers(() => healthy),
          { order: 'partition' },
        );
        await world.pass();
      }
      healthy = true;
      await world.pass(60_000);

      expect([...world.effects].sort()).toEqual(['a 1', 'a 2', 'a 3', 'b 1', 'b 2', 'b 3']);
      expect(world.letters).toEqual([]);
      expect(records.size).toBe(0);
    });

    it('runs once where each has its own transaction', async () => {
      await world.start([
        world.handler('a', () => {}, { ...byOffset, commit: 'event' }),
        world.handler('b', () => {}, { ...byOffset, commit: 'event' }),
      ]);
      loseOneAnswer();

      world.feed('1', '2');
      await world.pass(60_000);

      expect(world.effects).toEqual(['a 1', 'b 1', 'a 2', 'b 2']);
      expect(records.size).toBe(0);
    });

    /** `b` fails at event 2 for a while; `a` has then handled it. */
    function handlers(healthy: () => boolean) {
      return [
        world.handler('a', () => {}, byOffset),
        world.handler(
          'b',
          ({ id }) => {
            if (id === '2' && !healthy()) throw new Error('not yet');
          },
          { ...byOffset, retry: { attempts: 100 } },
        ),
      ];
    }

    function loseOneAnswer(): void {
      let lost = false;
      world.eachTransaction((transaction) => {
        if (lost) return;
        lost = true;
        transaction.loseAnswer('committed');
      });
    }
  });

  describe('and its broker', () => {
    let request: ConsumerRequest | null;

    beforeEach(() => {
      request = null;
      const consumer = world.broker.consumer.bind(world.broker);
      world.broker.consumer = (given) => {
        request = given;
        return consumer(given);
      };
    });

    it('is told that positions of its topic decide, also where others of the topic have the inbox', async () => {
      const types = ['happened', 'other'].map((type) => ({ type, topic: `${type}-topic`, version: 1 }));
      const other = { ...world.handler('x'), type: 'other' };
      await world.start([world.handler('o', () => {}, byOffset), world.handler('i'), other], { types });

      expect(request?.topics).toEqual([
        { topic: 'happened-topic', startFrom: 'earliest', dedup: 'offset' },
        { topic: 'other-topic', startFrom: 'earliest', dedup: 'inbox' },
      ]);
    });

    it('stops its partition where that has no positions', async () => {
      await world.start([world.handler('o', () => {}, byOffset)]);
      const session: ProcessingSession = {
        fence: null,
        draining: new AbortController().signal,
        aborted: new AbortController().signal,
        done: () => {},
      };
      world.broker.append('elsewhere', world.message('1'));

      const deliveries = world.broker.topic('elsewhere').map((one) => ({ ...one, topic: 'in' }));
      const processing = request!.sink.process(deliveries, session);

      await expect(processing).rejects.toMatchObject({ code: 'EO_STOPPED' });
      expect(world.effects).toEqual([]);
    });
  });

  it('is refused at start behind another transport, and with a word that is none', async () => {
    const foreignHandlers = [{ name: 'f', ...byOffset }];
    const misspelt = { ...world.handler('o'), dedup: 'ofset' as never };

    await expect(world.start([], { foreignHandlers })).rejects.toThrow(/its transport keeps the position/);
    await expect(world.start([misspelt])).rejects.toThrow(/'inbox', 'offset'|did you mean "offset"/);
    await world.start([]);
  });
});
