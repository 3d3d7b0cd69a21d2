import { type EventEnvelope, type Lease, noTelemetry, Relay, type RelayParts } from '@exactly-once/core';
import { InMemoryStorage, ManualClock } from '@exactly-once/testing';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';

const body = Buffer.alloc(400);

describe('the relay', () => {
  let clock: ManualClock;
  let storage: InMemoryStorage;
  let sent: string[];
  let batches: number[];
  let refused: Set<string>;
  const running: { stop: AbortController; ended: Promise<void> }[] = [];

  beforeEach(() => {
    clock = new ManualClock();
    storage = new InMemoryStorage(clock);
    sent = [];
    batches = [];
    refused = new Set();
  });

  afterEach(async () => {
    for (const { stop, ended } of running.splice(0)) {
      stop.abort();
      await clock.advance(1);
      await ended;
    }
  });

  const publish = async (...ids: string[]) => {
    const transaction = await storage.begin();
    for (const id of ids) transaction.outgoing.push({ event: anEvent(id), deliverAtMs: null });
    await transaction.seal();
    await transaction.commit();
  };

  const send = async (events: readonly EventEnvelope[]) => {
    batches.push(events.length);
    return events.map(({ id }) => {
      if (refused.has(id)) return { status: 'refused' as const, reason: `${id} is too large` };
      sent.push(id);
      return { status: 'sent' as const };
    });
  };

  const start = (owner: string, options: Partial<RelayParts> = {}) => {
    const relay = new Relay({
      storage,
      publisher: { start: async () => {}, stop: async () => {}, send },
      clock,
      logger: { error() {}, warn() {}, info() {}, debug() {} },
      telemetry: noTelemetry,
      random: () => 0.5,
      owner,
      batchSize: 100,
      maxBytes: 1_000_000,
      leaseMs: 9_000,
      maxPollMs: 100,
      ...options,
    });
    const stop = new AbortController();
    running.push({ stop, ended: relay.run(stop.signal) });
    return { relay, stop };
  };

  it('settles nothing but what was sent, and moves what was refused out of the way with its reason', async () => {
    refused.add('2');
    await publish('1', '2', '3');

    start('a');
    await clock.advance(1_000);

    expect(sent).toEqual(['1', '3']);
    expect([...storage.outbox.reasons.values()]).toEqual(['2 is too large']);
    expect(await storage.outbox.depth()).toMatchObject({ pending: 0, dead: 1 });
  });

  it('sends again what a crash kept it from settling, and never settles what it did not send', async () => {
    let cut = true;
    const publisher = {
      start: async () => {},
      stop: async () => {},
      send: async (events: readonly EventEnvelope[]) => {
        const outcomes = await send(events);
        if (cut) throw new Error('the connection broke');
        return outcomes;
      },
    };
    await publish('1', '2');

    const { relay } = start('a', { publisher });
    await clock.advance(1);
    expect(relay.stuck()).toContain('the connection broke');
    expect((await storage.outbox.depth()).pending).toBe(2);
    cut = false;
    await clock.advance(1_000);

    expect(sent.slice(-2)).toEqual(['1', '2']);
    expect(relay.stuck()).toBeNull();
    expect((await storage.outbox.depth()).pending).toBe(0);
  });

  it('keeps its lease by renewing it, so that another relay publishes nothing', async () => {
    start('a');
    await clock.advance(1_000);
    const [first] = await epochs();
    start('b');

    await clock.advance(60_000);

    expect(await storage.leases.acquire(0, 'c', 1)).toBeNull();
    expect(await epochs()).toEqual([first]);
  });

  it('publishes nothing while another has taken its lease, and goes on when that one has gone', async () => {
    start('a');
    await clock.advance(1_000);
    const stolen = await steal('thief', 5_000);
    await publish('1');

    await clock.advance(3_000);
    expect(sent).toEqual([]);
    await clock.advance(10_000);

    expect(sent).toEqual(['1']);
    expect((await epochs())[0]).toBe(stolen.epoch + 1n);
  });

  it('takes the lease anew where renewing it was refused, with a new epoch', async () => {
    start('a');
    await clock.advance(1_000);
    const [before] = await epochs();
    storage.leases.renew = async () => false;
    storage.leases.release = async () => {};

    await clock.advance(4_000);
    await publish('1');
    await clock.advance(1_000);

    expect(sent).toEqual(['1']);
    expect((await epochs())[0]).toBeGreaterThan(before!);
  });

  it('settles nothing of what it sent once its lease was taken: the next owner sends it again', async () => {
    const publisher = {
      start: async () => {},
      stop: async () => {},
      send: async (events: readonly EventEnvelope[]) => {
        if (sent.length === 0) await steal('thief', 2_000);
        return send(events);
      },
    };
    await publish('1');

    start('a', { publisher });
    await clock.advance(1_000);
    expect(sent).toEqual(['1']);
    expect((await storage.outbox.depth()).pending).toBe(1);
    await clock.advance(5_000);

    expect(sent).toEqual(['1', '1']);
    expect((await storage.outbox.depth()).pending).toBe(0);
  });

  it('gives its leases up when it stops, so that the next one need not wait', async () => {
    const { stop } = start('a');
    await clock.advance(1_000);
    expect(await storage.leases.acquire(0, 'b', 1_000)).toBeNull();

    stop.abort();
    await clock.advance(1);

    expect(await storage.leases.acquire(0, 'b', 1_000)).not.toBeNull();
  });

  it('holds no more bytes at once than it is told, and one event in any case', async () => {
    await publish('1', '2', '3');
    const { stop } = start('a', { maxBytes: 1_000 });
    await clock.advance(1_000);
    stop.abort();
    await clock.advance(1);

    await publish('4', '5');
    start('b', { maxBytes: 1 });
    await clock.advance(1_000);

    expect(sent).toEqual(['1', '2', '3', '4', '5']);
    expect(batches).toEqual([2, 1, 1, 1]);
  });

  /** The lease as another relay would take it once it has run out. */
  async function steal(owner: string, leaseMs: number): Promise<Lease> {
    const [epoch] = await epochs();
    await storage.leases.release({ shard: 0, owner: 'a', epoch: epoch! });
    return (await storage.leases.acquire(0, owner, leaseMs))!;
  }

  /** Epoch of the present lease, read without a change. */
  async function epochs(): Promise<bigint[]> {
    const epoch = storage.leases.epoch(0);
    return epoch === null ? [] : [epoch];
  }
});

function anEvent(id: string): EventEnvelope {
  return {
    id,
    source: 's',
    type: 't',
    version: 1,
    topic: 'o',
    key: 'k',
    timeMs: 0,
    contentType: 'application/json',
    headers: {},
    traceparent: null,
    tracestate: null,
    body,
  };
}
