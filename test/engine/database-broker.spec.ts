import {
  type ConsumerRequest,
  DatabaseBroker,
  type DatabaseBrokerOptions,
  type Delivery,
  type EventConsumer,
  ExactlyOnceError,
  noTelemetry,
  type ProcessingSession,
  silentLogger,
} from '@exactly-once/core';
import { InMemoryStorage, ManualClock } from '@exactly-once/testing';
import { beforeEach, describe, expect, it } from '@jest/globals';

const never = new AbortController().signal;

describe('the consumer of the database broker', () => {
  let clock: ManualClock;
  let storage: InMemoryStorage;
  let seen: string[];

  beforeEach(() => {
    clock = new ManualClock();
    storage = new InMemoryStorage(clock);
    seen = [];
  });

  const broker = (options: DatabaseBrokerOptions = {}) => {
    const made = new DatabaseBroker({ partitions: 1, ...options });
    const [logger, telemetry, service] = [silentLogger, noTelemetry, 's'];
    made.bind({ storage, clock, logger, telemetry, service, random: () => 0.999 });
    return made;
  };

  /** Moves the fence as the processor does, one delivery at a time. */
  const process = async (who: string, deliveries: readonly Delivery[], session: ProcessingSession) => {
    for (const { topic, offset } of deliveries) {
      if (session.draining.aborted) return;
      const fence = session.fence!;
      const transaction = await storage.begin();
      const move = { ...fence, expected: fence.nextOffset, next: offset + 1n, lastFingerprint: null };
      if (!(await storage.fences.advance(transaction, move))) {
        await transaction.rollback();
        throw new ExactlyOnceError('EO_FENCED', 'on purpose');
      }
      await transaction.seal();
      await transaction.commit();
      fence.nextOffset = offset + 1n;
      seen.push(`${who} ${topic} ${offset}`);
    }
  };

  const consumer = (
    who: string,
    options: DatabaseBrokerOptions = {},
    request: Partial<ConsumerRequest> = {},
  ) =>
    broker(options).consumer({
      group: 'g',
      topics: [{ topic: 't', startFrom: 'earliest' }],
      storage,
      sink: { process: (deliveries, session) => process(who, deliveries, session) },
      ...request,
    });

  const append = (topic = 't', partitions = 1) =>
    storage.log
      .createTopics([topic], partitions)
      .then(() => storage.log.append([{ topic, key: null, hash: 0, headers: {}, body: null }]));

  const started = async (one: EventConsumer) => {
    const starting = one.start(never);
    await clock.advance(100);
    await starting;
  };

  const stop = async (one: EventConsumer) => {
    const stopping = one.stop(1_000);
    await clock.advance(2_000);
    await stopping;
  };

  it.each(['createTopics', 'ends', 'join'] as const)(
    'reads nothing when it is stopped while it starts, in %s',
    async (call) => {
      await append();
      const real = storage.log[call].bind(storage.log) as () => Promise<never>;
      storage.log[call] = async (...given: unknown[]) => {
        await clock.sleep(100);
        return Reflect.apply(real, undefined, given);
      };
      const one = consumer('one');
      const starting = one.start(never);
      await clock.advance(50);

      const stopping = one.stop(1_000);
      await clock.advance(1_000);
      await Promise.all([starting, stopping]);
      await clock.advance(120_000);
      storage.log[call] = real;

      expect(seen).toEqual([]);
      expect(await storage.log.join('g', { name: 'observer', topics: [] }, 1)).toHaveLength(1);
    },
  );

  it('goes on trying to join, says why it has not, and joins', async () => {
    await append();
    const real = storage.log.ends.bind(storage.log);
    storage.log.ends = async () => Promise.reject(new Error('the database is away'));
    const one = consumer('one');
    const starting = one.start(never);
    await clock.advance(10_000);
    const before = one.health();

    storage.log.ends = real;
    await clock.advance(2_000);
    await starting;

    expect(before).toMatchObject({ status: 'down', reason: 'Error: the database is away' });
    expect(one.health()).toEqual({ status: 'up', lag: 0 });
    expect(seen).toEqual(['one t 0']);
    await stop(one);
  });

  it('says that it lives between two looks that are far apart', async () => {
    const one = consumer('one', { sessionTimeoutMs: 1_000, maxPollMs: 3_600_000 });
    await started(one);

    await clock.advance(60_000);

    expect(await storage.log.join('g', { name: 'observer', topics: [] }, 1)).toHaveLength(2);
    await stop(one);
  });

  it('reads what this process appends without waiting for a look', async () => {
    const made = broker({ maxPollMs: 3_600_000, sessionTimeoutMs: 3_600_000 });
    const sink = {
      process: (some: readonly Delivery[], session: ProcessingSession) => process('one', some, session),
    };
    const one = made.consumer({ group: 'g', topics: [{ topic: 't', startFrom: 'earliest' }], storage, sink });
    await started(one);
    const event = {
      id: '1',
      source: 's',
      type: 't',
      version: 1,
      topic: 't',
      key: null,
      timeMs: 0,
      contentType: 'c',
    };

    await made.publisher().send([{ ...event, headers: {}, traceparent: null, tracestate: null, body: null }]);
    await clock.advance(0);

    expect(seen).toEqual(['one t 0']);
    await stop(one);
  });

  it('leaves no partition unread where members read different topics', async () => {
    const topics = ['a', 'b', 'c', 't'];
    for (const topic of topics) await append(topic, 2);
    const all = topics.map((topic) => ({ topic, startFrom: 'earliest' as const }));
    const old = consumer('old', {}, { topics: all.slice(3) });
    const young = consumer('young', {}, { topics: all });
    await started(old);
    await started(young);
    await clock.advance(2_000);
    seen.length = 0;

    for (const hash of [0, 1])
      await storage.log.append([{ topic: 't', key: null, hash, headers: {}, body: null }]);
    await clock.advance(2_000);

    expect(seen.map((line) => line.slice(-3)).sort()).toEqual(['t 0', 't 1']);
    await stop(old);
    await stop(young);
  });

  describe('on a partition that is held by another owner', () => {
    const key = { group: 'g', topic: 't', partition: 0 };
    const beats = async (name: string, topics = ['other']) => storage.log.join('g', { name, topics }, 60_000);

    it('waits for a member that lives to leave it, at most as long as that takes to notice', async () => {
      await append();
      await beats('living');
      await storage.fences.claim(key, 'living/1', 0n);
      const one = consumer('one');
      await started(one);
      await clock.advance(2_500);
      const waited = [...seen];

      await clock.advance(1_000);

      expect([waited, seen]).toEqual([[], ['one t 0']]);
      await stop(one);
    });

    it('finds it left in order where that happens meanwhile', async () => {
      await append();
      await beats('living');
      await storage.fences.claim(key, 'living/1', 0n);
      const found: unknown[] = [];
      const noting = (some: readonly Delivery[], session: ProcessingSession) => {
        found.push(session.fence!.found?.clean);
        return process('one', some, session);
      };
      const one = consumer('one', {}, { sink: { process: noting } });
      await started(one);
      await clock.advance(1_000);
      await storage.fences.release(key, 'living/1');
      await clock.advance(100);

      expect(found).toEqual([true]);
      await stop(one);
    });

    it('leaves by itself what an earlier reader of its own could not', async () => {
      await append();
      const found: unknown[] = [];
      const noting = (some: readonly Delivery[], session: ProcessingSession) => {
        const { owner, found: before } = session.fence!;
        found.push([owner.split('/').at(-1), before?.clean]);
        return process('one', some, session);
      };
      const one = consumer('one', {}, { sink: { process: noting } });
      await started(one);
      const release = storage.fences.release.bind(storage.fences);
      storage.fences.release = async () => Promise.reject(new Error('the database is away'));
      await beats('zz joins for a while', ['t']);
      await clock.advance(2_000);
      storage.fences.release = release;
      await storage.log.leave('g', 'zz joins for a while');
      await append();
      await clock.advance(2_000);

      expect(found).toEqual([
        ['1', true],
        ['2', true],
      ]);
      await stop(one);
    });

    it('takes it at once from a member that is gone', async () => {
      await append();
      await storage.fences.claim(key, 'gone/1', 0n);
      const one = consumer('one');

      await started(one);

      expect(seen).toEqual(['one t 0']);
      await stop(one);
    });
  });

  it('begins a new group at the end that it saw first, however late its claim succeeds', async () => {
    await append();
    const claim = storage.fences.claim.bind(storage.fences);
    storage.fences.claim = async () => Promise.reject(new Error('the database is away'));
    const one = consumer('one', {}, { topics: [{ topic: 't', startFrom: 'latest' }] });
    await started(one);
    await append();
    await clock.advance(1_000);

    storage.fences.claim = claim;
    await clock.advance(5_000);

    expect(seen).toEqual(['one t 1']);
    await stop(one);
  });

  it('is idle where its position is behind what the log has forgotten', async () => {
    await append();
    await clock.advance(1_000);
    await storage.log.deleteOlderThan(0, 10);
    await storage.fences.claim({ group: 'g', topic: 't', partition: 0 }, 'operator', 0n);
    let reads = 0;
    const read = storage.log.read.bind(storage.log);
    storage.log.read = async (...given) => {
      reads++;
      return read(...given);
    };
    const one = consumer('one');
    await started(one);
    await clock.advance(10_000);
    const idle = { ...one.health(), reads };

    await append();
    await clock.advance(2_000);

    expect(idle).toEqual({ status: 'up', lag: 0, reads: 0 });
    expect(seen).toEqual(['one t 1']);
    await stop(one);
  });
});
