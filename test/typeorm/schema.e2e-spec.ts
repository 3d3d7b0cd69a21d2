import { migrationSql, runMigrations, schemaVersion, storageOn } from '@exactly-once/typeorm';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { DataSource } from 'typeorm';
import { anEvent, begun, handle, rejection, StorageWorld, sealAndCommit } from './storage-world.js';

const tables = [
  'eo_dead_letter',
  'eo_fence',
  'eo_handler',
  'eo_inbox',
  'eo_lease',
  'eo_log',
  'eo_member',
  'eo_meta',
  'eo_outbox',
  'eo_outbox_archive',
  'eo_outbox_batch',
  'eo_parked_event',
  'eo_parked_key',
  'eo_partition',
  'eo_relay',
];

describe('the schema', () => {
  let world: StorageWorld;

  beforeEach(async () => {
    world = await StorageWorld.open('schema');
  });

  afterEach(async () => {
    await world.close();
  });

  const tablesOf = async (schema = 'public') => {
    const rows = await world.database.query(
      "SELECT tablename FROM pg_tables WHERE schemaname = $1 AND tablename LIKE 'eo\\_%' ORDER BY 1",
      [schema],
    );
    return rows.map((row) => row.tablename);
  };

  it('is missing until it is made, and opening says so', async () => {
    const storage = storageOn(await world.dataSource());

    const error = await rejection(storage.open());

    expect(error).toMatchObject({ code: 'EO_SCHEMA_MISSING' });
    expect(error.message).toContain('npx exactly-once migrate');
    expect(await tablesOf()).toEqual([]);
  });

  it('is made whole by the option, once', async () => {
    const source = await world.dataSource();

    await storageOn(source, { migrate: true }).open();
    const before = await runMigrations(source);

    expect(await tablesOf()).toEqual(tables);
    expect(before).toBe(schemaVersion);
  });

  it('that is older than this release stops the start', async () => {
    const source = await world.dataSource();
    await runMigrations(source);
    await world.database.query('UPDATE eo_meta SET schema_version = 0');

    const error = await rejection(storageOn(source).open());

    expect(error).toMatchObject({
      code: 'EO_SCHEMA_OUTDATED',
      details: { version: 0, needed: schemaVersion },
    });
    expect(error.message).toContain(`at version 0, this release needs ${schemaVersion}`);
  });

  it('that is newer does not: the old version runs beside the new one', async () => {
    const source = await world.dataSource();
    await runMigrations(source);
    await world.database.query('UPDATE eo_meta SET schema_version = schema_version + 1');

    await expect(storageOn(source).open()).resolves.toBeUndefined();
  });

  it('is made once by processes that start at the same time', async () => {
    const sources = await Promise.all(Array.from({ length: 6 }, () => world.dataSource({ poolSize: 2 })));

    const found = await Promise.all(sources.map((source) => runMigrations(source)));

    expect(found.sort()).toEqual([0, 1, 1, 1, 1, 1]);
    expect(await world.database.query('SELECT schema_version FROM eo_meta')).toEqual([
      { schema_version: schemaVersion },
    ]);
  });

  it('leaves nothing where a migration fails half-way', async () => {
    await world.database.query('CREATE TABLE eo_dead_letter (id int)'); // in the way of the last statement

    const error = await rejection(runMigrations(await world.dataSource()));

    expect(error).toMatchObject({ code: '42P07' });
    expect(await tablesOf()).toEqual(['eo_dead_letter']);
  });

  it('can be printed, run by a person, and is then the same', async () => {
    const other = await StorageWorld.open('schema_printed');
    await runMigrations(await world.dataSource());

    await other.database.query(migrationSql());

    const columns = `SELECT table_name, column_name, data_type, column_default, is_nullable
      FROM information_schema.columns WHERE table_schema = 'public' ORDER BY 1, ordinal_position`;
    expect(await other.database.query(columns)).toEqual(await world.database.query(columns));
    await expect(storageOn(await other.dataSource()).open()).resolves.toBeUndefined();
    await other.close();
  });

  describe('in a schema of its own', () => {
    beforeEach(() => world.database.query('CREATE SCHEMA "Events"'));

    it.each([
      ['the option', {}, { schema: 'Events' }],
      ["the DataSource's schema", { schema: 'Events' }, {}],
    ])('is made, found and used there (%s)', async (_, sourceOptions, options) => {
      const storage = await world.storage(await world.dataSource(sourceOptions), options);
      await storage.handlers.register('service', [{ name: 'a' }], () => undefined);
      await storage.fences.claim({ group: 'g', topic: 't', partition: 0 }, 'one', 0n);
      const transaction = await storage.begin(begun);
      await storage.inbox.admit(transaction, [
        { key: Buffer.alloc(24), handlerId: 1, fingerprint: Buffer.alloc(16) },
      ]);
      transaction.outgoing.push({ event: anEvent(), deliverAtMs: null });
      await sealAndCommit(transaction);
      const lease = await storage.leases.acquire(0, 'relay', 10_000);
      const { rows } = await storage.outbox.claim(lease!, 10);
      await storage.outbox.settle(lease!, [rows[0]!.position]);
      await storage.ping();

      expect(await tablesOf('Events')).toEqual(tables);
      expect(await tablesOf()).toEqual([]);
      expect(rows).toHaveLength(1);
      expect(await storage.deadLetters.count()).toBe(0);
      expect(await storage.inbox.deleteOlderThan(0, 10)).toBe(1);
    });

    it('is not made where that does not exist', async () => {
      const storage = storageOn(await world.dataSource(), { migrate: true, schema: 'nowhere' });

      await expect(storage.open()).rejects.toMatchObject({ code: 'EO_OPTION_INVALID' });
    });
  });

  it('needs no rights to change tables where another role has made it', async () => {
    const role = `eo_app_${process.pid}`;
    const owner = await world.dataSource();
    await runMigrations(owner);
    await world.database.query(`CREATE ROLE ${role} LOGIN`);
    await world.database.query(
      `GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO ${role};
      GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO ${role}`,
    );
    const url = new URL(world.database.url);
    url.username = role;
    const source = await world.dataSource({ url: url.href });
    try {
      const storage = storageOn(source);
      await storage.open();
      await storage.handlers.register('service', [{ name: 'a' }], () => undefined);
      await storage.fences.claim({ group: 'g', topic: 't', partition: 0 }, 'one', 0n);
      const transaction = await storage.begin(begun);
      await handle(storage, transaction, () => source.query("INSERT INTO payment VALUES ('a', 1)"));
      transaction.outgoing.push({ event: anEvent(), deliverAtMs: null });
      await sealAndCommit(transaction);
      const lease = await storage.leases.acquire(0, 'relay', 10_000);
      const [row] = (await storage.outbox.claim(lease!, 10)).rows;
      await storage.outbox.settle(lease!, [row!.position]);
      await storage.close();

      expect(await world.payments()).toEqual(['a']);
    } finally {
      await source.destroy();
      await world.database.query(`DROP OWNED BY ${role}; DROP ROLE ${role}`);
    }
  });

  it('cannot be checked on a database out of reach: that is told apart', async () => {
    const source = new DataSource({ type: 'postgres', url: 'postgres://postgres@127.0.0.1:1/nowhere' });
    const storage = storageOn(source);

    const first = await rejection(storage.open());
    const second = await rejection(storage.open());

    expect([first.code, second.code]).toEqual(['EO_STORAGE_UNAVAILABLE', 'EO_STORAGE_UNAVAILABLE']);
  });
});
