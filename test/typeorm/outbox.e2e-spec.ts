import type { EventEnvelope, Lease, OutboxRow, Storage } from '@exactly-once/core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { anEvent, begun, rejection, StorageWorld, sealAndCommit, until } from './storage-world.js';

describe('the outbox and its leases', () => {
  let world: StorageWorld;
  let storage: Storage;

  beforeAll(async () => {
    world = await StorageWorld.open('outbox');
    storage = await world.storage();
  });

  afterEach(() => world.clear());
  afterAll(() => world.close());

  async function published(events: readonly EventEnvelope[], deliverAtMs: number | null = null) {
    const transaction = await storage.begin(begun);
    transaction.outgoing.push(...events.map((event) => ({ event, deliverAtMs })));
    await sealAndCommit(transaction);
  }

  async function inTurn(all: readonly (() => Promise<void>)[]) {
    for (const one of all) await one();
  }

  async function acquire(owner: string, leaseMs = 10_000): Promise<Lease> {
    const lease = await storage.leases.acquire(0, owner, leaseMs);
    if (lease === null) throw new Error(`${owner} got no lease`);
    return lease;
  }

  const claimed = async (lease: Lease, limit: number) => (await storage.outbox.claim(lease, limit)).rows;
  const renewed = async (lease: Lease) =>
    (await storage.leases.beat(lease.owner, 60_000, [lease])).held.includes(lease.shard);
  const ids = (rows: readonly OutboxRow[]) => rows.map(({ event }) => event.id);
  const positions = (rows: readonly OutboxRow[]) => rows.map(({ position }) => position);

  it.each([
    ['together', (events: readonly EventEnvelope[]) => published(events)],
    ['one by one', (events: readonly EventEnvelope[]) => inTurn(events.map((one) => () => published([one])))],
  ])('gives events back as they were published %s, in order', async (_, publish) => {
    const headers: Record<string, string> = Object.create(null);
    Object.assign(headers, { plain: 'ä', 'with\0nul': '\0', "'; DROP TABLE eo_outbox; --": '"', '': '' });
    Object.defineProperty(headers, '__proto__', { value: 'kept', enumerable: true });
    const events = [
      anEvent({ id: 'plain' }),
      anEvent({ id: 'nul \0 in the middle', key: 'k\0y', headers }),
      anEvent({ id: 'case', key: 'é' }),
      anEvent({ id: 'CASE', key: 'e\u0301 ', headers: { lone: '\ud800' } }),
      anEvent({ id: 'nothing', key: null, timeMs: null, body: null, traceparent: null }),
      anEvent({
        id: 'bytes',
        body: Buffer.from([0, 255, 128, 10]),
        traceparent: '00-ab-cd-01',
        tracestate: 'a=b',
      }),
      anEvent({ id: "'); DROP TABLE eo_outbox; --", type: "it's", source: '"quoted"', topic: 'a.b-c_d' }),
    ];
    await publish(events);

    const rows = await claimed(await acquire('relay'), 100);

    expect(rows.map(({ event }) => ({ ...event, headers: Object.entries(event.headers) }))).toEqual(
      events.map((event) => ({ ...event, headers: Object.entries(event.headers) })),
    );
    expect(rows.map(({ event }) => event.headers['__proto__'])[1]).toBe('kept');
  });

  it('writes a batch of a thousand events in one statement, positions in order', async () => {
    const events = Array.from({ length: 1_000 }, (_, i) => anEvent({ id: `event ${i}` }));
    await published(events);

    const rows = await claimed(await acquire('relay'), 2_000);

    expect(ids(rows)).toEqual(events.map(({ id }) => id));
    expect(positions(rows)).toEqual([...positions(rows)].sort((a, b) => Number(a - b)));
  });

  it('shows nothing of a transaction that is open or rolled back', async () => {
    const transaction = await storage.begin(begun);
    transaction.outgoing.push({ event: anEvent(), deliverAtMs: null });
    await transaction.seal();
    const lease = await acquire('relay');

    const whileOpen = await claimed(lease, 10);
    await transaction.rollback();
    const afterwards = await claimed(lease, 10);

    expect([...whileOpen, ...afterwards]).toEqual([]);
  });

  it('holds an event back until it is due, without holding up others', async () => {
    await published([anEvent({ id: 'later' })], Date.now() + 60_000);
    await published([anEvent({ id: 'past' })], Date.now() - 60_000);
    await published([anEvent({ id: 'now' })]);
    const lease = await acquire('relay');

    const early = await claimed(lease, 10);
    await world.database.query("UPDATE eo_outbox SET deliver_at = now() - interval '1 second'");
    const due = await claimed(lease, 10);

    expect(ids(early)).toEqual(['past', 'now']);
    expect(ids(due)).toEqual(['later', 'past', 'now']);
  });

  it('forgets settled rows and keeps the others', async () => {
    await published([anEvent({ id: 'a' }), anEvent({ id: 'b' }), anEvent({ id: 'c' })]);
    const lease = await acquire('relay');
    const rows = await claimed(lease, 2);

    await storage.outbox.settle(lease, positions(rows));

    expect(ids(await claimed(lease, 10))).toEqual(['c']);
  });

  it('puts a refused row aside with its reason, and never hands it out again', async () => {
    await published([
      anEvent({ id: 'too large', key: 'k' }),
      anEvent({ id: 'behind', key: 'k' }),
      anEvent({ id: 'next', key: 'j' }),
    ]);
    const lease = await acquire('relay');
    const [row] = await claimed(lease, 1);

    await storage.outbox.refuse(lease, row!.position, 'reason with \0');

    expect(ids(await claimed(lease, 10))).toEqual(['next']);
    expect(await storage.outbox.depth()).toMatchObject({ pending: 2, dead: 1 });
    const [dead] = await world.database.query("SELECT reason FROM eo_outbox WHERE state = 'dead'");
    expect(dead.reason).toBe('reason with \\u0000');
  });

  it('tells depth and age', async () => {
    expect(await storage.outbox.depth()).toEqual({ pending: 0, dead: 0, oldestAgeMs: 0 });
    await published([anEvent()]);
    await world.database.query("UPDATE eo_outbox SET created_at = now() - interval '5 seconds'");

    const { pending, oldestAgeMs } = await storage.outbox.depth();

    expect(pending).toBe(1);
    expect(oldestAgeMs).toBeGreaterThanOrEqual(5_000);
    expect(oldestAgeMs).toBeLessThan(60_000);
  });

  describe('a lease', () => {
    it('is held by one, and passes with a higher epoch when it has run out', async () => {
      const first = await acquire('one', 150);
      const whileHeld = await storage.leases.acquire(0, 'two', 1_000);

      await until(async () => (await storage.leases.acquire(0, 'two', 10_000)) !== null);
      const again = await renewed(first);

      expect(whileHeld).toBeNull();
      expect(again).toBe(false);
      const [row] = await world.database.query('SELECT owner, epoch FROM eo_lease');
      expect(row).toEqual({ owner: 'two', epoch: String(first.epoch + 1n) });
    });

    it('can be renewed by its holder and released at once', async () => {
      const first = await acquire('one', 60_000);

      const again = await renewed(first);
      await storage.leases.release(first);
      const second = await acquire('two');

      expect(again).toBe(true);
      expect(second.epoch).toBe(first.epoch + 1n);
    });

    it('is won by one of many that want it at once', async () => {
      const owners = Array.from({ length: 10 }, (_, i) => `relay ${i}`);

      const leases = await Promise.all(owners.map((owner) => storage.leases.acquire(0, owner, 10_000)));

      expect(leases.filter((lease) => lease !== null)).toHaveLength(1);
    });

    it('that was lost lets its former holder change nothing', async () => {
      await published([anEvent({ id: 'a' }), anEvent({ id: 'b' })]);
      const zombie = await acquire('zombie', 1);
      await until(async () => (await storage.leases.acquire(0, 'successor', 60_000)) !== null);
      const lease = { shard: 0, owner: 'successor', epoch: zombie.epoch + 1n };
      const rows = await claimed(lease, 10);

      const refusals = [
        await rejection(claimed(zombie, 10)),
        await rejection(storage.outbox.settle(zombie, positions(rows))),
        await rejection(storage.outbox.refuse(zombie, rows[0]!.position, 'no')),
        await rejection(storage.outbox.settle({ ...zombie, epoch: lease.epoch }, positions(rows))),
      ];

      expect(refusals.map(({ code }) => code)).toEqual(Array(4).fill('EO_LEASE_LOST'));
      expect(ids(await claimed(lease, 10))).toEqual(['a', 'b']);
    });

    it('that was released is not held by anybody', async () => {
      await published([anEvent()]);
      const lease = await acquire('one');
      const rows = await claimed(lease, 10);
      await storage.leases.release(lease);

      const error = await rejection(storage.outbox.settle(lease, positions(rows)));

      expect(error).toMatchObject({ code: 'EO_LEASE_LOST' });
      expect((await storage.outbox.depth()).pending).toBe(1);
    });

    it('makes its next owner wait for a settlement that is under way', async () => {
      await published([anEvent({ id: 'a' })]);
      const zombie = await acquire('zombie', 1);
      const [row] = await world.database.query('SELECT position FROM eo_outbox');
      const other = await world.session();
      await other.query('BEGIN');
      await other.query("UPDATE eo_lease SET epoch = epoch + 1, owner = 'successor'"); // not committed yet

      const settling = rejection(storage.outbox.settle(zombie, [BigInt(row.position)]));
      await world.somebodyWaits();
      await other.query('COMMIT');

      expect(await settling).toMatchObject({ code: 'EO_LEASE_LOST' });
      expect((await storage.outbox.depth()).pending).toBe(1);
    });
  });

  it('spreads keys over the shards that stand in the database, each key to one', async () => {
    await world.database.query('UPDATE eo_meta SET shard_count = 3');
    const events = Array.from({ length: 60 }, (_, i) => anEvent({ id: `event ${i}`, key: `key ${i % 20}` }));
    await published(events);

    const shards = [];
    const { shardCount } = await storage.leases.beat('relay', 10_000, []);
    for (let shard = 0; shard < shardCount; shard++) {
      const lease = await storage.leases.acquire(shard, 'relay', 10_000);
      shards.push(await claimed(lease!, 100));
    }
    await world.database.query('UPDATE eo_meta SET shard_count = 1');

    const keys = shards.map((rows) => new Set(rows.map(({ event }) => event.key)));
    expect(shards).toHaveLength(3);
    expect(shards.flatMap(ids).sort()).toEqual(events.map(({ id }) => id).sort());
    expect(keys.reduce((sum, { size }) => sum + size, 0)).toBe(20);
    expect(keys.every(({ size }) => size > 0)).toBe(true);
  });
});
