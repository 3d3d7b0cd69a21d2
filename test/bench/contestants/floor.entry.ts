/**
 * The floor: what batched deduplication costs at least. kafkajs and plain pg; for each fetched batch one
 * transaction with one inbox statement and one multi-row effect. No fence, no retries, no dead letters.
 */
import pg from 'pg';
import { BenchKafka } from './bench-kafka.js';
import { readOrder, request } from './order-payload.js';

const { databaseUrl, brokers, topic, group } = request();
const pool = new pg.Pool({ connectionString: databaseUrl, max: 8 });
await pool.query('CREATE TABLE IF NOT EXISTS inbox (id text PRIMARY KEY)');
const consumer = new BenchKafka(brokers).consumer({ groupId: group });
process.once('SIGTERM', async () => {
  await consumer.disconnect();
  await pool.end();
});
await consumer.connect();
await consumer.subscribe({ topic, fromBeginning: true });
await consumer.run({
  partitionsConsumedConcurrently: 4,
  eachBatch: async ({ batch }) => {
    const ids = batch.messages.map((message) => String(message.headers!['ce_id']));
    const orders = await Promise.all(batch.messages.map((message) => readOrder(message.value)));
    const client = await pool.connect();
    try {
      await client.query('BEGIN');
      const { rows } = await client.query(
        'INSERT INTO inbox SELECT id FROM unnest($1::text[]) AS given (id) ORDER BY id ON CONFLICT DO NOTHING RETURNING id',
        [ids],
      );
      const fresh = new Set(rows.map((row) => row.id));
      const effects = orders.filter((_, index) => fresh.has(ids[index]));
      await client.query('INSERT INTO effect (order_id, cents) SELECT * FROM unnest($1::text[], $2::int[])', [
        effects.map(({ orderId }) => orderId),
        effects.map(({ cents }) => cents),
      ]);
      await client.query('COMMIT');
      client.release();
    } catch (error) {
      client.release(true); // and with the connection its transaction
      throw error;
    }
  },
});
