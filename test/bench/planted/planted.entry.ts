/**
 * A contestant with a mistake, to show that the bench notices: the setting says which. Never part of a benchmark.
 */
import pg from 'pg';
import { accountOf } from '../accounts.js';
import { BenchKafka } from '../contestants/bench-kafka.js';
import { readOrder, request } from '../contestants/order-payload.js';
import { failingKey } from '../failing-key.js';

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
    if (setting === 'swallow' && orderId === failingKey) return;
    const id = String(message.headers!['ce_id']);
    const { rowCount: known } = await pool.query('SELECT FROM inbox WHERE id = $1', [id]);
    const forgotten = setting === 'forget' && cents === 7;
    if (known === 1 && !forgotten) return;
    const chosen = cents === 7;
    if (chosen && setting === 'crash') process.exit(3);
    const effects = chosen ? ({ lose: 0, double: 2 }[setting] ?? 1) : 1;
    const recorded = !(chosen && setting === 'tear');
    if (recorded) await pool.query('INSERT INTO inbox VALUES ($1) ON CONFLICT DO NOTHING', [id]);
    for (let index = 0; index < effects; index++) {
      await pool.query('INSERT INTO effect (order_id, cents) VALUES ($1, $2)', [orderId, cents]);
    }
    if (setting !== 'overpay') return;
    await pool.query('UPDATE account SET cents = cents + $1 WHERE id = $2', [
      chosen ? cents + 1 : cents,
      accountOf(cents),
    ]);
  },
});
