/**
 * kafkajs and plain pg: for each fetched batch one transaction with one statement of the inbox. No effect, no fence, no
 * retries, no dead letters.
 */
import pg from 'pg';
import { BenchKafka } from '../contestants/bench-kafka.js';
import { request } from '../contestants/order-payload.js';

const { databaseUrl, brokers, topic, group } = request();
const pool = new pg.Pool({ connectionString: databaseUrl, max: 8 });
await pool.query(
  'CREATE TABLE IF NOT EXISTS inbox (id text PRIMARY KEY, recorded_at timestamptz NOT NULL DEFAULT now())',
);
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
    for (const { value } of batch.messages) JSON.parse(value!.toString());
    const client = await pool.connect();
    try {
      await client.query('BEGIN');
      await client.query(
        'INSERT INTO inbox SELECT id FROM unnest($1::text[]) AS given (id) ORDER BY id ON CONFLICT DO NOTHING RETURNING id',
        [ids],
      );
      await client.query('COMMIT');
      client.release();
    } catch (error) {
      client.release(true); // and with the connection its transaction
      throw error;
    }
  },
});
