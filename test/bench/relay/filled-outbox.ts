/**
 * Outboxes that are filled with orders of customers before the clock starts. Order number n stands at position n.
 * Writes them in the form in which they are published.
 */
import { runMigrations } from '@exactly-once/typeorm';
import { DataSource } from 'typeorm';
import type { TestDatabase } from '../../services/postgres.js';
import { customerOrder } from './customer-order.js';

const atOnce = 10_000;

/** Makes the tables, and writes the orders 1 to `events` in the form in which they were published. */
export async function fillOutbox(database: TestDatabase, topic: string, events: number): Promise<void> {
  await migrate(database.url);
  for (let from = 1; from <= events; from += atOnce) {
    const orders = Array.from({ length: Math.min(atOnce, events + 1 - from) }, (_, at) =>
      customerOrder(from + at),
    );
    await database.query(
      `
      INSERT INTO eo_outbox (key_hash, topic, key, type, version, source, id, time_ms, headers, content_type, body)
      SELECT hashtext(key), $1, convert_to(key, 'UTF8'), 'order.placed', 1, 'bench', convert_to(id, 'UTF8'), $2, '[]',
        'application/json', convert_to(body, 'UTF8')
      FROM unnest($3::text[], $4::text[], $5::text[]) WITH ORDINALITY AS given (id, key, body, ordinal)
      ORDER BY ordinal`,
      [topic, Date.now(), ...(['id', 'key', 'value'] as const).map((name) => orders.map((one) => one[name]))],
    );
  }
  await database.query('VACUUM ANALYZE eo_outbox'); // as autovacuum does while an outbox grows
  await database.query('CHECKPOINT'); // what the filling left to write does not fall into the run
}

export async function isPending(database: TestDatabase, position: number): Promise<boolean> {
  const [{ found }] = await database.query(
    'SELECT EXISTS (SELECT FROM eo_outbox WHERE position = $1) AS found',
    [position],
  );
  return found;
}

export async function outboxRows(database: TestDatabase): Promise<number> {
  const [{ count }] = await database.query('SELECT count(*)::int AS count FROM eo_outbox');
  return count;
}

async function migrate(url: string): Promise<void> {
  const source = new DataSource({ type: 'postgres', url });
  await source.initialize();
  try {
    await runMigrations(source);
  } finally {
    await source.destroy();
  }
}
