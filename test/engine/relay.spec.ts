import type { EventEnvelope, Lease } from '@exactly-once/core';
import type { InMemoryStorage, ManualClock } from '@exactly-once/testing';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { anEvent, RelayWorld } from './relay-world.js';

describe('the relay', () => {
  let world: RelayWorld;
  let clock: ManualClock;
  let storage: InMemoryStorage;
  let sent: string[];

  beforeEach(() => {
    world = new RelayWorld();
    ({ clock, storage, sent } = world);
  });

  afterEach(() => world.close());

  it('settles nothing but what was sent, and moves what was refused out of the way with its reason', async () => {
    world.refused.add('2');
    await world.publishAll(['1', '2', '3'].map((id) => anEvent(id, { key: id })));

    world.start('a');
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
        const outcomes = await world.send(events);
        if (cut) throw new Error('the connection broke');
        return outcomes;
      },
    };
    await world.publish('1', '2');

    const { relay } = world.start('a', { publisher });
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
    world.start('a');
    await clock.advance(1_000);
    const [first] = await epochs();
    world.start('b');

    await clock.advance(60_000);

    expect(await storage.leases.acquire(0, 'c', 1)).toBeNull();
    expect(await epochs()).toEqual([first]);
  });

  it('publishes nothing while another has taken its lease, and goes on when that one has gone', async () => {
    world.start('a');
    await clock.advance(1_000);
    const stolen = await steal('thief', 5_000);
    await world.publish('1');

    await clock.advance(3_000);
    expect(sent).toEqual([]);
    await clock.advance(10_000);

    expect(sent).toEqual(['1']);
    expect((await epochs())[0]).toBe(stolen.epoch + 1n);
  });

  it('takes the lease anew where renewing it was refused, with a new epoch', async () => {
    world.start('a');
    await clock.advance(1_000);
    const [before] = await epochs();
    const beat = storage.leases.beat.bind(storage.leases);
    storage.leases.beat = async (owner, leaseMs, leases) => {
      storage.leases.beat = beat;
      await storage.leases.release(leases[0]!);
      return { ...(await beat(owner, leaseMs, [])), held: [] };
    };

    await clock.advance(4_000);
    await world.publish('1');
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
        return world.send(events);
      },
    };
    await world.publish('1');

    world.start('a', { publisher });
    await clock.advance(1_000);
    expect(sent).toEqual(['1']);
    expect((await storage.outbox.depth()).pending).toBe(1);
    await clock.advance(5_000);

    expect(sent).toEqual(['1', '1']);
    expect((await storage.outbox.depth()).pending).toBe(0);
  });

  it('gives its leases up when it stops, so that the next one need not wait', async () => {
    const { stop } = world.start('a');
    await clock.advance(1_000);
    expect(await storage.leases.acquire(0, 'b', 1_000)).toBeNull();

    stop.abort();
    await clock.advance(1);

    expect(await storage.leases.acquire(0, 'b', 1_000)).not.toBeNull();
  });

  it.each([1, 8])('asks an idle database less than once a second, with %i shards', async (shards) => {
    storage.leases.shardCount = shards;
    let asked = 0;
    const counted = <T extends object>(store: T, ...names: (keyof T)[]) => {
      for (const name of names) {
        const method = (store[name] as (...given: unknown[]) => unknown).bind(store);
        store[name] = ((...given: unknown[]) => {
          asked++;
          return method(...given);
        }) as T[keyof T];
      }
    };
    world.start('a', { leaseMs: 10_000, maxPollMs: 2_000 }); // the defaults
    await clock.advance(60_000);
    counted(storage.leases, 'beat', 'acquire', 'release');
    counted(storage.outbox, 'claim', 'due', 'settle');

    await clock.advance(600_000);

    expect(asked).toBeGreaterThan(300);
    expect(asked).toBeLessThan(0.9 * 600); // a tenth is the outbox's watch
    await world.publish('1');
    await clock.advance(2_001);
    expect(sent).toEqual(['1']);
  });

  it('looks at once, and without waiting for its next look, at a hint', async () => {
    const { relay } = world.start('a', { leaseMs: 10_000, maxPollMs: 2_000 });
    await clock.advance(60_000);

    await world.publish('1');
    relay.hint();
    await clock.advance(0);

    expect(sent).toEqual(['1']);
  });

  it('holds no more bytes at once than it is told, and one event in any case', async () => {
    await world.publish('1', '2', '3');
    const { stop } = world.start('a', { maxBytes: 1_600 });
    await clock.advance(1_000);
    stop.abort();
    await clock.advance(1);

    await world.publish('4', '5');
    world.start('b', { maxBytes: 1 });
    await clock.advance(1_000);

    expect(sent).toEqual(['1', '2', '3', '4', '5']);
    expect(world.batches).toEqual([2, 1, 1, 1]);
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
