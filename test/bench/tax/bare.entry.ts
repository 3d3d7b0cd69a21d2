/**
 * kafkajs and plain pg: for each fetched batch one transaction with the framework's own statement on its own inbox. No
 * effect, no fence, no retries, no dead letters; keys are made without hashing, of the id's time and the id. Tells when
 * the last event is committed, and how many it was given when it is told to end.
 */
import { runMigrations } from '@exactly-once/typeorm';
import pg from 'pg';
import { DataSource } from 'typeorm';
import { parse } from 'uuid';
import { BenchKafka } from '../contestants/bench-kafka.js';
import { request } from '../contestants/order-payload.js';
import { built } from '../harness/built.js';

const { databaseUrl, brokers, topic, group, events } = request();
const { admitSql } = (await built(
  'typeorm/dist/postgres/inbox.sql.js',
)) as typeof import('../../../libs/typeorm/src/postgres/inbox.sql.js');
const { tablesIn } = (await built(
  'typeorm/dist/postgres/tables.js',
)) as typeof import('../../../libs/typeorm/src/postgres/tables.js');
const sql = admitSql(tablesIn(null));

const source = new DataSource({ type: 'postgres', url: databaseUrl });
await source.initialize();
await runMigrations(source);
await source.destroy();
const pool = new pg.Pool({ connectionString: databaseUrl, max: 8 });
const consumer = new BenchKafka(brokers).consumer({ groupId: group });
let [handled, committed] = [0, 0];

/** What the statement takes of one event: 8 bytes of time, 16 of the id; its fingerprint is the id once more. */
function recordOf(id: string): Buffer {
  const bytes = parse(id);
  return Buffer.concat([Buffer.alloc(2), bytes.subarray(0, 6), bytes, bytes]);
}

process.once('SIGTERM', async () => {
  process.send?.(handled);
  await consumer.disconnect();
  await pool.end();
});
await consumer.connect();
await consumer.subscribe({ topic, fromBeginning: true });
await consumer.run({
  partitionsConsumedConcurrently: 4,
  eachBatch: async ({ batch: { messages } }) => {
    for (const { value } of messages) JSON.parse(value!.toString());
    handled += messages.length;
    const records = messages.map(({ headers }) => recordOf(String(headers!['ce_id'])));
    const client = await pool.connect();
    try {
      await client.query('BEGIN');
      await client.query(sql, [Buffer.concat(records), messages.map(() => 1)]);
      await client.query('COMMIT');
      client.release();
    } catch (error) {
      client.release(true); // and with the connection its transaction
      throw error;
    }
    committed += messages.length;
    if (committed >= events) process.send?.(Date.now());
  },
});
