import { type EventEnvelope, planShards, type RelayView } from '@exactly-once/core';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { anEvent, RelayWorld } from './relay-world.js';

describe('relays that share the shards', () => {
  let world: RelayWorld;

  beforeEach(() => {
    world = new RelayWorld();
    world.storage.leases.shardCount = 6;
  });

  afterEach(() => world.close());

  const held = (owner: string) => world.storage.leases.heldBy(owner).length;
  const keys = Array.from({ length: 60 }, (_, at) => anEvent(`e${at}`, { key: `k${at}` }));
  const all = keys.map(({ id }) => id).sort();

  it('take all where one is alone, and fair parts where more come and go', async () => {
    const a = world.start('a');
    await world.clock.advance(1_000);
    const alone = held('a');
    const b = world.start('b');
    world.start('c');
    await world.clock.advance(20_000);
    const three = ['a', 'b', 'c'].map(held);

    b.stop.abort();
    await world.clock.advance(10_000);
    const two = ['a', 'b', 'c'].map(held);
    a.stop.abort();
    await world.clock.advance(10_000);

    expect([alone, three, two]).toEqual([6, [2, 2, 2], [3, 0, 3]]);
    expect(held('c')).toBe(6);
  });

  it('take over what a dead one held, within its lease', async () => {
    world.start('a');
    world.start('b');
    await world.clock.advance(20_000);
    const beat = world.storage.leases.beat.bind(world.storage.leases);
    const diedAtMs = world.clock.now();
    world.storage.leases.beat = (owner, ...rest) =>
      owner === 'a' ? Promise.reject(new Error('it is dead')) : beat(owner, ...rest);
    for (let ms = 0; held('b') < 6 && ms < 20_000; ms += 10) await world.clock.advance(10);

    expect(world.clock.now() - diedAtMs).toBeLessThanOrEqual(9_000 + 50);
  });

  it('publish all, each event once, while shards change hands', async () => {
    const a = world.start('a', { batchSize: 3 });
    await world.clock.advance(1_000);
    await world.publishAll(keys.slice(0, 30));
    world.start('b', { batchSize: 3 });
    await world.clock.advance(20_000);
    await world.publishAll(keys.slice(30));
    a.stop.abort();
    await world.clock.advance(20_000);

    expect([...world.sent].sort()).toEqual(all);
  });

  it('split the outbox anew when that is wanted, and go on sharing it', async () => {
    world.start('a');
    world.start('b');
    await world.clock.advance(20_000);
    await world.publishAll(keys.slice(0, 20));
    await world.storage.leases.want(4);
    await world.publishAll(keys.slice(20, 40));
    await world.clock.advance(30_000);
    const four = ['a', 'b'].map(held);
    await world.storage.leases.want(9);
    await world.clock.advance(30_000);
    await world.publishAll(keys.slice(40));
    await world.clock.advance(5_000);

    expect(four).toEqual([2, 2]);
    expect(['a', 'b'].map(held)).toEqual([5, 4]);
    expect([...world.sent].sort()).toEqual(all);
  });

  it('do not split it while another holds a part', async () => {
    await world.storage.leases.beat('silent', 60_000, []);
    const theirs = await world.storage.leases.acquire(3, 'silent', 60_000);
    world.start('a');
    await world.storage.leases.want(2);
    await world.clock.advance(30_000);
    const before = world.storage.leases.shardCount;

    await world.storage.leases.release(theirs!);
    await world.storage.leases.leave('silent');
    await world.clock.advance(30_000);

    expect([before, world.storage.leases.shardCount]).toEqual([6, 2]);
  });

  it('go on publishing, and try again after a pause, where it cannot be split just now', async () => {
    let tries = 0;
    world.storage.leases.reshard = async () => {
      tries++;
      return false;
    };
    world.start('a');
    await world.storage.leases.want(2);
    await world.clock.advance(10_000);
    await world.publishAll(keys);
    await world.clock.advance(20_000);

    expect(tries).toBeGreaterThan(2);
    expect(tries).toBeLessThan(40); // a tenth of the lease between two, and the shards are taken anew in between
    expect([...world.sent].sort()).toEqual(all);
    expect(world.log.join('\n')).toContain('could not split the outbox anew');
  });

  it.each(['to stop', 'to split the outbox anew'])(
    'keep their leases while they wait for the broker %s',
    async (why) => {
      let answer = () => {};
      const publisher = {
        start: async () => {},
        stop: async () => {},
        send: async (events: readonly EventEnvelope[]) => {
          await new Promise<void>((resolve) => {
            answer = resolve;
          });
          return world.send(events);
        },
      };
      const a = world.start('a', { publisher });
      await world.publish('slow');
      await world.clock.advance(1_000);
      if (why === 'to stop') a.stop.abort();
      else await world.storage.leases.want(2);
      world.start('b');
      await world.clock.advance(30_000);
      const [still, twice] = [held('a'), [...world.sent]];

      answer();
      await world.clock.advance(30_000);

      expect(still).toBeGreaterThan(0);
      expect(twice).toEqual([]);
      expect(world.sent).toEqual(['slow']);
    },
  );

  it('give a shard up only when what was on its way is settled', async () => {
    let answer = () => {};
    const asked: string[] = [];
    const publisher = {
      start: async () => {},
      stop: async () => {},
      send: async (events: Parameters<RelayWorld['send']>[0]) => {
        asked.push(...events.map(({ id }) => id));
        await new Promise<void>((resolve) => {
          answer = resolve;
        });
        return world.send(events);
      },
    };
    world.start('a', { publisher });
    await world.clock.advance(1_000);
    await world.publishAll(keys);
    await world.clock.advance(200);
    world.start('b');
    await world.clock.advance(15_000);
    const stillHeld = held('a');

    for (let round = 0; round < 20; round++) {
      answer();
      await world.clock.advance(1_000);
    }

    expect(stillHeld).toBe(6);
    expect(['a', 'b'].map(held)).toEqual([3, 3]);
    expect([...world.sent].sort()).toEqual(all);
  });
});

describe('planShards', () => {
  const view = (more: Partial<RelayView>): RelayView => ({
    ...{ shardCount: 8, wantedShardCount: null, relays: 3, rank: 0, held: [], free: [], nextExpiryMs: null },
    ...more,
  });

  it('gives all parts together each shard once', () => {
    for (let shardCount = 1; shardCount < 40; shardCount++) {
      for (let relays = 1; relays < 12; relays++) {
        const free = Array.from({ length: shardCount }, (_, shard) => shard);
        const parts = Array.from(
          { length: relays },
          (_, rank) => planShards(view({ shardCount, relays, rank, free }), []).take.length,
        );
        expect(parts.reduce((sum, part) => sum + part, 0)).toBe(shardCount);
        expect(Math.max(...parts) - Math.min(...parts)).toBeLessThanOrEqual(1);
      }
    }
  });

  it('keeps what it has as far as that is its part, and gives up the rest, and what is no shard any more', () => {
    expect(planShards(view({}), [0, 1, 2, 5, 9])).toEqual({ take: [], giveUp: [5, 9], wants: false });
    expect(planShards(view({ free: [4] }), [0])).toEqual({ take: [4], giveUp: [], wants: true });
  });

  it('lets the oldest have all where they are to be split anew', () => {
    const split = { wantedShardCount: 2, free: [4] };
    expect(planShards(view({ ...split }), [0, 1])).toEqual({ take: [4], giveUp: [], wants: true });
    expect(planShards(view({ ...split, rank: 1 }), [2])).toEqual({ take: [], giveUp: [2], wants: false });
  });
});
