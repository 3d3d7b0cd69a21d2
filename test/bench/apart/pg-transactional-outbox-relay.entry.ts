/**
 * The polling listener of pg-transactional-outbox over an outbox that is full: a hundred messages at a time, each of a
 * customer of its own, so that the order of a customer is kept, and what is sent is deleted soon. Tells when the first
 * event behind the warm-ups is to be sent, and when nothing is left.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import kafkajs from 'kafkajs';
import pg from 'pg';
import { getDisabledLogger, IsolationLevel, initializePollingMessageListener } from 'pg-transactional-outbox';
import { request } from '../../../dist-test/test/bench/contestants/order-payload.js';
import { customerOrder } from '../../../dist-test/test/bench/relay/customer-order.js';
import { peerClock } from '../../../dist-test/test/bench/relay/peer-clock.js';
import { batchSize, config, setupSql } from './pg-transactional-outbox.js';

const { databaseUrl, brokers, topic, events } = request();
const pool = new pg.Pool({ connectionString: databaseUrl, max: 2 });
await pool.query(setupSql);
const orders = Array.from({ length: events }, (_, at) => customerOrder(at + 1));
await pool.query(
  `INSERT INTO outbox (id, aggregate_type, aggregate_id, message_type, segment, payload, created_at)
   SELECT id::uuid, 'order', key, 'order.placed', key, body::jsonb, now() + ordinal * interval '1 microsecond'
   FROM unnest($1::text[], $2::text[], $3::text[]) WITH ORDINALITY AS given (id, key, body, ordinal)`,
  (['id', 'key', 'value'] as const).map((name) => orders.map((one) => one[name])),
);
await pool.query('VACUUM ANALYZE outbox');

const producer = new kafkajs.Kafka({ clientId: 'bench', brokers: [...brokers] }).producer({
  idempotent: true,
});
await producer.connect();
const tick = peerClock();
const [stop] = initializePollingMessageListener(
  config(databaseUrl),
  {
    handle: async ({ id, aggregateId, payload }) => {
      tick();
      const message = { key: aggregateId, value: JSON.stringify(payload), headers: { ce_id: id } };
      await producer.send({ topic, acks: -1, messages: [message] });
    },
  },
  getDisabledLogger(),
  {
    // By its default the first hundred polls take one message each, until it trusts them.
    batchSizeStrategy: async () => batchSize,
    messageProcessingTransactionLevelStrategy: () => IsolationLevel.ReadCommitted,
  },
);
process.once('SIGTERM', async () => {
  await stop();
  await producer.disconnect();
  await pool.end();
});
for (;;) {
  const { rows } = await pool.query('SELECT EXISTS (SELECT FROM outbox WHERE processed_at IS NULL) AS waits');
  if (!rows[0].waits) break;
  await sleep(20);
}
process.send?.(Date.now());
