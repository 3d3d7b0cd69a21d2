import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { findPostgres, type PostgresServer, type TestDatabase } from '../services/postgres.js';
import { runTool } from './run-tool.js';

let server: PostgresServer;
let database: TestDatabase;

beforeAll(async () => {
  server = await findPostgres();
});
afterAll(async () => server.stop());
beforeEach(async () => {
  database = await server.createDatabase('tool');
});
afterEach(async () => database.drop());

const migrate = (...words: string[]) => runTool(['migrate', '--url', database.url, ...words]);

/** Every column, index and constraint of a schema. */
async function shapeOf(one: TestDatabase, schema = 'public'): Promise<unknown[]> {
  return one.query(
    `SELECT table_name AS of, column_name || ' ' || data_type || ' ' || is_nullable AS what
       FROM information_schema.columns WHERE table_schema = $1
     UNION ALL SELECT tablename, indexdef FROM pg_indexes WHERE schemaname = $1
     UNION ALL SELECT conrelid::regclass::text, conname || ' ' || pg_get_constraintdef(oid)
       FROM pg_constraint WHERE connamespace = $1::regnamespace
     ORDER BY 1, 2`,
    [schema],
  );
}

describe('exactly-once migrate', () => {
  it('creates the tables, and finds them there the second time', async () => {
    const first = await migrate();
    const created = await shapeOf(database);
    await database.query('UPDATE eo_meta SET shard_count = 4');
    const second = await migrate();

    expect(first).toEqual({ code: 0, out: 'The tables were created, at version 1.\n', err: '' });
    expect(second).toEqual({ code: 0, out: 'The tables were already at version 1.\n', err: '' });
    expect(created.length).toBeGreaterThan(50);
    expect(await shapeOf(database)).toEqual(created);
    expect(await database.query('SELECT shard_count FROM eo_meta')).toEqual([{ shard_count: 4 }]);
  });

  it('creates them once when several run at the same time', async () => {
    const results = await Promise.all([migrate(), migrate(), migrate()]);

    expect(results.map(({ code, err }) => ({ code, err }))).toEqual(Array(3).fill({ code: 0, err: '' }));
    expect(results.map(({ out }) => out).sort()).toEqual([
      'The tables were already at version 1.\n',
      'The tables were already at version 1.\n',
      'The tables were created, at version 1.\n',
    ]);
    expect(await database.query('SELECT schema_version FROM eo_meta')).toEqual([{ schema_version: 1 }]);
  });

  it('prints the SQL that it runs', async () => {
    const byHand = await server.createDatabase('tool');
    try {
      const { out } = await migrate('--print');

      await byHand.query(out);
      await migrate();

      expect(await shapeOf(byHand)).toEqual(await shapeOf(database));
      const again = await runTool(['migrate', '--url', byHand.url]);
      expect(again.out).toBe('The tables were already at version 1.\n');
    } finally {
      await byHand.drop();
    }
  });

  it('takes the database from DATABASE_URL, else the default, and puts the tables into a schema', async () => {
    await database.query('CREATE SCHEMA events');

    const nowhere = ['--default-url', 'postgres://nobody@127.0.0.1:1/none'];
    const words = ['migrate', '--schema', 'events'];
    const result = await runTool([...words, ...nowhere], { DATABASE_URL: database.url });
    const again = await runTool([...words, '--default-url', database.url]);

    expect(result).toMatchObject({ code: 0, err: '' });
    expect(again.out).toBe('The tables were already at version 1.\n');
    expect(await shapeOf(database, 'public')).toEqual([]);
    expect((await shapeOf(database, 'events')).length).toBeGreaterThan(50);
  });

  it('exits with 2 for a schema that is not there, and creates nothing', async () => {
    const { code, err } = await migrate('--schema', 'events');

    expect(code).toBe(2);
    expect(err).toContain('schema "events" does not exist');
    expect(await shapeOf(database)).toEqual([]);
  });

  it('exits with 1 where the role may not create tables, and says what it may', async () => {
    const role = `${database.name}_guest`;
    await database.query(`CREATE ROLE ${role} LOGIN; REVOKE CREATE ON SCHEMA public FROM PUBLIC`);
    try {
      const url = new URL(database.url);
      url.username = role;

      const { code, out, err } = await runTool(['migrate', '--url', url.href]);

      expect({ code, out }).toEqual({ code: 1, out: '' });
      expect(err).toContain('permission denied');
      expect(err).toContain('--print');
      expect(await shapeOf(database)).toEqual([]);
    } finally {
      await database.query(`DROP ROLE ${role}`);
    }
  });

  it('leaves tables of a newer release as they are', async () => {
    await migrate();
    await database.query('UPDATE eo_meta SET schema_version = 99');

    const { code, out } = await migrate();

    expect(code).toBe(0);
    expect(out).toContain('at version 99, newer than this tool');
    expect(await database.query('SELECT schema_version FROM eo_meta')).toEqual([{ schema_version: 99 }]);
  });
});
