/**
 * A contestant with a mistake, to show that the bench notices: the setting says which. Never part of a benchmark.
 */
import pg from 'pg';
import { BenchKafka } from '../contestants/bench-kafka.js';
import { readOrder, request } from '../contestants/order-payload.js';

const { databaseUrl, brokers, topic, group, setting } = request();
const pool = new pg.Pool({ connectionString: databaseUrl, max: 4 });
await pool.query('CREATE TABLE IF NOT EXISTS inbox (id text PRIMARY KEY)');
const consumer = new BenchKafka(brokers).consumer({ groupId: group });
process.once('SIGTERM', async () => {
  await consumer.disconnect();
  await pool.end();
});
await consumer.connect();
await consumer.subscribe({ topic, fromBeginning: true });
await consumer.run({
  eachMessage: async ({ message }) => {
    const { orderId, cents } = await readOrder(message.value);
    const chosen = cents === 7;
    if (chosen && setting === 'crash') process.exit(3);
    const effects = chosen ? { lose: 0, double: 2, tear: 1 }[setting]! : 1;
    const recorded = !(chosen && setting === 'tear');
    if (recorded) await pool.query('INSERT INTO inbox VALUES ($1)', [String(message.headers!['ce_id'])]);
    for (let index = 0; index < effects; index++) {
      await pool.query('INSERT INTO effect (order_id, cents) VALUES ($1, $2)', [orderId, cents]);
    }
  },
});
