import type { EventEnvelope, Lease, OutboxRow, Storage } from '@exactly-once/core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { anEvent, begun, StorageWorld, sealAndCommit, until } from './storage-world.js';

const sleeping =
  "SELECT 1 FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = current_database()";

describe('the outbox, with transactions that are open', () => {
  let world: StorageWorld;
  let storage: Storage;

  beforeAll(async () => {
    world = await StorageWorld.open('outbox_writers');
    storage = await world.storage();
  });

  afterEach(() => world.clear());
  afterAll(() => world.close());

  async function published(events: readonly EventEnvelope[], deliverAtMs: number | null = null) {
    const transaction = await storage.begin(begun);
    transaction.outgoing.push(...events.map((event) => ({ event, deliverAtMs })));
    await sealAndCommit(transaction);
  }

  async function acquire(owner: string, leaseMs = 10_000): Promise<Lease> {
    const lease = await storage.leases.acquire(0, owner, leaseMs);
    if (lease === null) throw new Error(`${owner} got no lease`);
    return lease;
  }

  const claimed = async (lease: Lease, limit: number) => (await storage.outbox.claim(lease, limit)).rows;
  const ids = (rows: readonly OutboxRow[]) => rows.map(({ event }) => event.id);
  const positions = (rows: readonly OutboxRow[]) => rows.map(({ position }) => position);

  describe('with a slow transaction that took its position before a fast one', () => {
    const open = async () => {
      const slow = await storage.begin(begun);
      slow.outgoing.push({ event: anEvent({ id: 'slow' }), deliverAtMs: null });
      await slow.seal();
      return slow;
    };

    it('does not pass it by', async () => {
      const slow = await open();
      await published([anEvent({ id: 'fast' })]);
      const lease = await acquire('relay');
      const first = await claimed(lease, 10);
      await storage.outbox.settle(lease, positions(first));

      await slow.commit();
      const second = await claimed(lease, 10);

      expect([ids(first), ids(second)]).toEqual([['fast'], ['slow']]);
    });

    it('names it as a writer until it ends, and tells what was to be seen before', async () => {
      const slow = await open();
      await published([anEvent({ id: 'fast' })]);
      const lease = await acquire('relay');

      const during = await storage.outbox.claim(lease, 10);
      await slow.commit();
      await published([anEvent({ id: 'last' })]);
      const after = await storage.outbox.claim(lease, 10, { snapshot: during.snapshot });

      expect(during.writers).toHaveLength(1);
      expect(after.rows.map(({ event, known }) => [event.id, known])).toEqual([
        ['slow', false],
        ['fast', true],
        ['last', false],
      ]);
      expect(after.writers).toEqual([]);
    });

    it('names it where it ends while the claim looks at the locks', async () => {
      await world.database.query(`
        CREATE SCHEMA slow;
        CREATE FUNCTION slow.looked() RETURNS SETOF pg_catalog.pg_locks LANGUAGE plpgsql AS $$ BEGIN
          RETURN QUERY SELECT * FROM pg_catalog.pg_locks;
          PERFORM pg_sleep(0.5);
        END $$;
        CREATE VIEW slow.pg_locks AS SELECT * FROM slow.looked()`);
      const looking = await world.dataSource({ extra: { options: '-c search_path=public,slow,pg_catalog' } });
      const { outbox } = await world.storage(looking);
      const lease = await acquire('relay');
      const slow = await open();
      await published([anEvent({ id: 'fast' })]);

      const claim = outbox.claim(lease, 10);
      await until(async () => (await world.database.query(sleeping)).length > 0);
      await slow.commit();
      const { rows, writers } = await claim;

      expect(ids(rows)).toEqual(['fast']);
      expect(writers).toHaveLength(1);
    });

    it('does not name a transaction that wrote elsewhere, however long it is open, nor one that settles', async () => {
      await published([anEvent({ id: 'one' }), anEvent({ id: 'two' })]);
      const lease = await acquire('relay');
      const [one] = await claimed(lease, 1);
      const [elsewhere, settles] = [await world.session(), await world.session()];
      await elsewhere.query('BEGIN');
      await elsewhere.query("INSERT INTO payment VALUES ('elsewhere', 1)");
      await settles.query('BEGIN');
      await settles.query('DELETE FROM eo_outbox WHERE position = $1', [String(one!.position)]);

      const { writers, rows } = await storage.outbox.claim(lease, 10);
      await elsewhere.query('ROLLBACK');
      await settles.query('ROLLBACK');

      expect(writers).toEqual([]);
      expect(ids(rows)).toEqual(['one', 'two']);
    });

    it('names one whose transaction id is above all that have completed', async () => {
      const early = await world.session();
      await early.query('BEGIN');
      await early.query("INSERT INTO payment VALUES ('early', 1)");
      const slow = await open();
      await early.query('COMMIT');

      const { writers } = await storage.outbox.claim(await acquire('relay'), 10);
      await slow.rollback();

      expect(writers).toHaveLength(1);
    });

    it('names one that it was told of until it is to be seen, and no longer', async () => {
      const slow = await open();
      const lease = await acquire('relay');
      const { writers } = await storage.outbox.claim(lease, 10);
      await slow.commit();

      const after = await storage.outbox.claim(lease, 10, { writers });
      const unknown = await storage.outbox.claim(lease, 10, { writers: ['99999999'] });

      expect(after.writers).toEqual([]);
      expect(unknown.writers).toEqual(['99999999']);
    });

    it('names one that has published by a statement of its own and may publish more', async () => {
      const own = await world.session();
      await own.query('BEGIN');
      await own.query(
        "SELECT nextval(pg_get_serial_sequence('eo_outbox', 'position')), pg_current_xact_id()",
      );

      const { writers } = await storage.outbox.claim(await acquire('relay'), 10);
      await own.query('ROLLBACK');

      expect(writers).toHaveLength(1);
    });
  });

  it('finds every batch in doubt, also one that was recorded by a statement which was given up', async () => {
    const lease = await acquire('relay');
    const [late, other] = [7n, 8n].map((token) => ({ token, positions: [] }));
    await storage.outbox.prepare(lease, late!, null);
    await storage.outbox.prepare(lease, other!, null);

    const found = await storage.outbox.inDoubt(lease);
    for (const batch of found) await storage.outbox.conclude(lease, batch);

    expect(found.map(({ token }) => token).sort()).toEqual([7n, 8n]);
    expect(await storage.outbox.inDoubt(lease)).toEqual([]);
  });
});
