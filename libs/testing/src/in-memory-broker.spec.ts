import { type ConsumerRequest, type Delivery, type DeliverySink, ExactlyOnceError } from '@exactly-once/core';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { InMemoryBroker } from './in-memory-broker.js';
import { InMemoryStorage } from './in-memory-storage.js';
import { ManualClock } from './manual-clock.js';

describe('the in-memory consumer', () => {
  let clock: ManualClock;
  let storage: InMemoryStorage;
  let broker: InMemoryBroker;

  beforeEach(() => {
    clock = new ManualClock();
    storage = new InMemoryStorage(clock);
    broker = new InMemoryBroker();
    const logger = { error() {}, warn() {}, info() {}, debug() {} };
    broker.bind({ clock, logger } as unknown as Parameters<InMemoryBroker['bind']>[0]);
  });

  const consume = (process: DeliverySink['process']) => {
    const request: ConsumerRequest = {
      group: 'g',
      topics: [{ topic: 't', startFrom: 'earliest' }],
      storage,
      sink: { process },
    };
    return broker.consumer(request);
  };

  it('claims again where claiming failed, and is down meanwhile', async () => {
    const claim = storage.fences.claim.bind(storage.fences);
    let away = true;
    storage.fences.claim = async (...given) => {
      if (away) throw new ExactlyOnceError('EO_STORAGE_UNAVAILABLE', 'on purpose');
      return claim(...given);
    };
    const seen: Delivery[] = [];
    const consumer = consume(async (deliveries, { fence }) => {
      seen.push(...deliveries);
      fence!.nextOffset = BigInt(seen.length);
    });
    broker.append('t', { body: '1' });

    await consumer.start(new AbortController().signal);
    await clock.advance(1);
    expect(consumer.health()).toMatchObject({ status: 'down' });
    away = false;
    await clock.advance(10_000);

    expect(seen).toHaveLength(1);
    expect(consumer.health()).toMatchObject({ status: 'up' });
    await consumer.stop(0);
  });

  it('tells how many records are not acknowledged', async () => {
    const consumer = consume(async (_, { done, draining, fence }) => {
      done(2);
      fence!.nextOffset = 2n;
      await new Promise((resolve) => draining.addEventListener('abort', resolve));
    });
    broker.append('t', { body: '1' }, { body: '2' }, { body: '3' });
    await consumer.start(new AbortController().signal);
    await clock.advance(1);

    expect(consumer.health()).toEqual({ status: 'up', lag: 1 });
    await consumer.stop(0);
  });

  it('aborts what runs once its grace time is over by the clock it was given', async () => {
    let aborted = false;
    const consumer = consume(async (_, session) => {
      await new Promise((resolve) => session.aborted.addEventListener('abort', resolve));
      aborted = true;
    });
    broker.append('t', { body: '1' });
    await consumer.start(new AbortController().signal);
    await clock.advance(1);

    const stopping = consumer.stop(5_000);
    await clock.advance(4_000);
    expect(aborted).toBe(false);
    await clock.advance(2_000);
    await stopping;

    expect(aborted).toBe(true);
  });

  it('dates records by the clock', async () => {
    broker.append('t', { body: '1' });

    expect(broker.topic('t')[0]?.timestampMs).toBe(clock.now());
  });
});
