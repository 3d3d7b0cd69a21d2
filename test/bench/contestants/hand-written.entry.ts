/**
 * What is written by hand today: kafkajs `eachMessage` and TypeORM; for each event a transaction with an inbox row
 * and the effect.
 */
import { DataSource } from 'typeorm';
import { BenchKafka } from './bench-kafka.js';
import { EffectEntity } from './effect.entity.js';
import { readOrder, request } from './order-payload.js';

const { databaseUrl, brokers, topic, group } = request();
const source = new DataSource({ type: 'postgres', url: databaseUrl, poolSize: 8, entities: [EffectEntity] });
await source.initialize();
await source.query('CREATE TABLE IF NOT EXISTS inbox (id text PRIMARY KEY)');
const consumer = new BenchKafka(brokers).consumer({ groupId: group });
process.once('SIGTERM', async () => {
  await consumer.disconnect();
  await source.destroy();
});
await consumer.connect();
await consumer.subscribe({ topic, fromBeginning: true });
await consumer.run({
  partitionsConsumedConcurrently: 4,
  eachMessage: async ({ message }) => {
    const { orderId, cents } = await readOrder(message.value);
    await source.transaction(async (manager) => {
      const rows = await manager.query(
        'INSERT INTO inbox (id) VALUES ($1) ON CONFLICT DO NOTHING RETURNING id',
        [String(message.headers!['ce_id'])],
      );
      if (rows.length > 0) await manager.insert(EffectEntity, { orderId, cents });
    });
  },
});
