import { type EventContext, ExactlyOnceError, type Telemetry } from '@exactly-once/core';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { BatchWorld } from './batch-world.js';
import { caused } from './memory-world.js';

describe('a batch handler', () => {
  let world: BatchWorld;

  beforeEach(() => {
    world = new BatchWorld();
  });

  afterEach(async () => {
    await world.stop();
  });

  it('gets the fresh events of a transaction in order, with their contexts, and no duplicate', async () => {
    const seen: unknown[] = [];
    await world.start([
      world.batched((contexts, events) => {
        seen.push(...events.map((data, index) => [data, contexts[index]!.id, contexts[index]!.attempt]));
      }),
    ]);

    const message = (id: string) => world.message(id, JSON.stringify({ no: id }));
    world.broker.append('in', message('1'), message('2'), message('1'), message('3'));
    await world.pass();
    world.broker.append('in', message('2'), message('4'));
    await world.pass();

    expect(world.batches).toEqual(['1 2 3', '4']);
    expect(seen).toEqual(['1', '2', '3', '4'].map((id) => [{ no: id }, id, 1]));
    expect(world.effects).toEqual(['b 1', 'b 2', 'b 3', 'b 4']);
  });

  it('gets no more than its number at once, several times in one transaction', async () => {
    const commits = world.countAtCommits();
    await world.start([world.batched(() => {}, { batch: 2 })]);

    world.feed('1', '2', '3', '4', '5');
    await world.pass();

    expect(world.batches).toEqual(['1 2', '3 4', '5']);
    expect(commits).toEqual([5]);
  });

  it('never sees an event that its preparation refuses: that one is dead-lettered alone, once', async () => {
    const prepare = async (data: unknown) => {
      const { cents } = data as { cents: number };
      if (cents < 0) throw new ExactlyOnceError('EO_VALIDATION_FAILED', 'cents');
      return { euros: cents / 100 };
    };
    const seen: unknown[] = [];
    const tries = world.countAtCommits();
    await world.start([world.batched((_, events) => void seen.push(...events), { prepare })]);

    const message = (id: string, cents: number) => world.message(id, JSON.stringify({ cents }));
    world.broker.append(
      'in',
      message('1', 100),
      message('2', -1),
      world.message('3', '{'),
      message('4', 200),
    );
    await world.pass(60_000);
    world.broker.append('in', message('2', -1), message('5', 300));
    await world.pass(60_000);

    expect(world.batches).toEqual(['1 4', '5']);
    expect(seen).toEqual([{ euros: 1 }, { euros: 2 }, { euros: 3 }]);
    expect(world.letters).toEqual(['b EO_VALIDATION_FAILED 2', 'b EO_BODY_INVALID 3']);
    expect(world.storage.deadLetters.letters.map(({ attempts }) => attempts)).toEqual([1, 1]);
    expect(tries).toEqual([2, 3]);
  });

  it('waits for a preparation that fails for a while, and that event alone', async () => {
    let healthy = false;
    const prepare = async (data: unknown) => {
      if (!healthy && (data as { no: string }).no === '2') throw new Error('the registry is away');
      return data;
    };
    await world.start([world.batched(() => {}, { prepare })]);

    world.broker.append('in', ...['1', '2', '3'].map((no) => world.message(no, JSON.stringify({ no }))));
    await world.pass();
    expect(world.effects).toEqual(['b 1', 'b 3']);
    healthy = true;
    await world.pass(1_000);

    expect(world.effects).toEqual(['b 1', 'b 3', 'b 2']);
  });

  it('gives up a preparation that never ends after timeoutMs', async () => {
    const prepare = (data: unknown) => {
      if ((data as { no: string }).no === '2') return new Promise(() => {});
      return Promise.resolve(data);
    };
    await world.start([world.batched(() => {}, { prepare, timeoutMs: 1_000, retry: { attempts: 1 } })]);

    world.broker.append('in', ...['1', '2', '3'].map((no) => world.message(no, JSON.stringify({ no }))));
    await world.pass(60_000);

    expect(world.effects).toEqual(['b 1', 'b 3']);
    expect(world.letters).toEqual(['b EO_HANDLER_TIMEOUT 2']);
  });

  it('gets its events anew where a call that failed had changed them', async () => {
    let first = true;
    const seen: unknown[] = [];
    await world.start([
      world.batched((_, events) => {
        seen.push(...events.map((event) => ({ ...(event as object) })));
        for (const event of events) (event as { cents: number }).cents = -1;
        if (first) {
          first = false;
          throw new Error('once');
        }
      }),
    ]);

    world.broker.append('in', ...['1', '2'].map((id) => world.message(id, '{"cents":5}')));
    await world.pass(60_000);

    expect(seen).toEqual(Array(4).fill({ cents: 5 }));
  });

  describe('what it publishes', () => {
    it('must name its cause, also where the batch is of one event', async () => {
      const codes: unknown[] = [];
      await world.start([
        world.batched(async () => {
          const error = await world.engine.outbox.publish(caused, { by: 'x' }).catch((thrown) => thrown);
          codes.push(error.code);
        }),
      ]);

      world.feed('1');
      await world.pass();

      expect(codes).toEqual(['EO_CAUSE_REQUIRED']);
      expect(world.published).toEqual([]);
    });

    it('cannot name the context of another call, or of none', async () => {
      const kept: EventContext[] = [];
      const codes: unknown[] = [];
      const attempt = async () => {
        const error = await world.engine.outbox
          .publish(caused, { by: 'x' }, { causedBy: kept[0]! })
          .catch((thrown) => thrown);
        codes.push(error.code);
      };
      await world.start([
        world.batched(async ([context]) => {
          if (kept.length > 0) await attempt();
          kept.push(context!);
        }),
      ]);

      world.feed('1');
      await world.pass();
      world.feed('2');
      await world.pass();
      await world.engine.transaction(attempt);

      expect(codes).toEqual(['EO_OPTION_INVALID', 'EO_OPTION_INVALID']);
    });

    it('has the ids that a handler of single events would give, by cause, whoever shares the call', async () => {
      const publish = (by: string, context: EventContext) =>
        world.engine.outbox.publish(caused, { by }, { causedBy: context });
      const twice = async (context: EventContext) => {
        await publish('k', context);
        await publish('k', context);
      };
      await world.start([world.handler('b', twice)]);
      world.feed('1', '2', '3');
      await world.pass(2_000);
      const single = world.published;
      await world.stop();

      world = new BatchWorld();
      let failed = false;
      await world.start([
        world.batched(async (contexts) => {
          for (const context of contexts) await publish('k', context);
          for (const context of [...contexts].reverse()) await publish('k', context);
          if (!failed) {
            failed = true;
            throw new Error('the first call is for nothing');
          }
        }),
      ]);
      world.feed('1', '2', '3');
      await world.pass(2_000);

      expect(single).toHaveLength(6);
      expect([...world.published].sort()).toEqual([...single].sort());
    });
  });

  it('tells telemetry how many events each of its calls had', async () => {
    const sizes: number[] = [];
    const telemetry: Telemetry = {
      count() {},
      gauge() {},
      record: (name, value) => {
        if (name === 'exactly_once.handler_batch_size') sizes.push(value);
      },
      span: (_name, _options, work) => work(),
      traceContext: () => ({ traceparent: null, tracestate: null }),
    };
    await world.start([world.batched(() => {}, { batch: 2 })], { telemetry });

    world.feed('1', '2', '3');
    await world.pass();

    expect(sizes).toEqual([2, 1]);
  });

  it.each([
    ['with a transaction for each event', { commit: 'event' as const }, /leave one out/],
    ['of nothing', { batch: 0 }, /from 1 to 10000/],
    ['with a function for single events', { invoke: async () => {} }, /takes invokeBatch/],
  ])('is refused at start %s', async (_, options, message) => {
    await expect(world.start([{ ...world.batched(), ...options }])).rejects.toThrow(message);
    await world.start([]);
  });

  it('is refused at start behind another transport', async () => {
    const foreignHandlers = [{ name: 'f', batch: 10 }];

    await expect(world.start([], { foreignHandlers })).rejects.toThrow(/one message at a time/);
    await world.start([]);
  });
});
