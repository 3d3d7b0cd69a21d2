/**
 * nestjs-outbox over an outbox that is full: it polls a thousand events at a time, and a listener sends each to Kafka. It
 * promises no order. Tells when the first event behind the warm-ups is to be sent, and when nothing is left.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { OnEvent } from '@fullstackhouse/nestjs-outbox';
import { Injectable } from '@nestjs/common';
import kafkajs from 'kafkajs';
import pg from 'pg';
import { request } from '../../../dist-test/test/bench/contestants/order-payload.js';
import { customerOrder } from '../../../dist-test/test/bench/relay/customer-order.js';
import { peerClock } from '../../../dist-test/test/bench/relay/peer-clock.js';
import { migrate, OrderPlaced, outboxApplication } from './nestjs-outbox.js';

const { databaseUrl, brokers, topic, events } = request();
await migrate(databaseUrl);
const pool = new pg.Pool({ connectionString: databaseUrl, max: 2 });
const orders = Array.from({ length: events }, (_, at) => customerOrder(at + 1));
await pool.query(
  `INSERT INTO outbox_transport_event
     (event_name, event_payload, delivered_to_listeners, attempt_at, expire_at, inserted_at, retry_count)
   SELECT $4::text, json_build_object('name', $4::text, 'id', id, 'key', key, 'body', body), '[]', $5::bigint, $5::bigint + 86400000, $5::bigint, 0
   FROM unnest($1::text[], $2::text[], $3::text[]) WITH ORDINALITY AS given (id, key, body, ordinal) ORDER BY ordinal`,
  [
    ...(['id', 'key', 'value'] as const).map((name) => orders.map((one) => one[name])),
    OrderPlaced.name,
    Date.now(),
  ],
);
await pool.query('VACUUM ANALYZE outbox_transport_event');

const producer = new kafkajs.Kafka({ clientId: 'bench', brokers: [...brokers] }).producer({
  idempotent: true,
});
await producer.connect();

const tick = peerClock();

@Injectable()
class OrderListener {
  @OnEvent(OrderPlaced.name)
  async send({ id, key, body }: OrderPlaced): Promise<void> {
    tick();
    await producer.send({ topic, acks: -1, messages: [{ key, value: body, headers: { ce_id: id } }] });
  }
}

await outboxApplication({ databaseUrl, poolSize: 20, pollingInterval: 50, providers: [OrderListener] });
process.once('SIGTERM', async () => {
  await producer.disconnect();
  await pool.end();
});
for (;;) {
  const { rows } = await pool.query('SELECT EXISTS (SELECT FROM outbox_transport_event) AS waits');
  if (!rows[0].waits) break;
  await sleep(20);
}
process.send?.(Date.now());
