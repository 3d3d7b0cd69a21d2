import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync, statSync } from 'node:fs';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { freePort, until } from '../services/ports.js';
import { findPostgres, type PostgresServer, type TestDatabase } from '../services/postgres.js';

const run = promisify(execFile);
const nest = 'node_modules/@nestjs/cli/bin/nest.js';

let server: PostgresServer;
let database: TestDatabase;

beforeAll(async () => {
  server = await findPostgres();
  database = await server.createDatabase('nest');
});
afterAll(async () => {
  await database.drop();
  await server.stop();
});

describe('the Nest CLI', () => {
  it('builds the services from their sources', async () => {
    const services = ['orders', 'payments', 'shipping', 'notifications', 'sales-totals'];
    for (const name of services) rmSync(`apps/${name}/dist/.tsbuildinfo`, { force: true }); // else nothing is new
    const beganMs = Math.floor(Date.now());

    await run(process.execPath, [nest, 'build', ...services]);

    const builtMs = services.map((name) => statSync(`apps/${name}/dist/main.js`).mtimeMs);
    expect(Math.min(...builtMs)).toBeGreaterThanOrEqual(beganMs);
  });

  it('starts orders without its broker, and ends it on SIGTERM', async () => {
    const port = await freePort();
    const env = { ...process.env, DATABASE_URL: database.url, KAFKA_BROKERS: '127.0.0.1:1', PORT: `${port}` };
    // Nest's CLI puts a shell between, which would keep the signal to itself.
    const words = [nest, 'start', 'orders', '--no-shell'];
    const started = spawn(process.execPath, words, { env, stdio: 'ignore' });
    const ended = once(started, 'exit');
    const url = `http://127.0.0.1:${port}/orders/00000000-0000-4000-8000-000000000000`;
    const status = () =>
      fetch(url).then(
        (answer) => answer.status,
        () => null,
      );
    try {
      await until('orders answers', async () => (await status()) === 404);
      expect(await database.query('SELECT count(*) FROM eo_meta')).toEqual([{ count: '1' }]);
    } finally {
      started.kill('SIGTERM');
    }

    await ended;
    await until('orders is gone', async () => (await status()) === null);
  });
});
