/**
 * The business transactions, each with one message stored by pg-transactional-outbox in the same transaction, on the
 * same TypeORM as the others.
 */
import { randomUUID } from 'node:crypto';
import { getDisabledLogger, initializeMessageStorage } from 'pg-transactional-outbox';
import { request } from '../../../dist-test/test/bench/contestants/order-payload.js';
import { orderMessage } from '../../../dist-test/test/bench/harness/produce-events.js';
import { business, businessSource } from '../../../dist-test/test/bench/outbox/business.js';
import {
  type OutboxSetting,
  orderOf,
  timed,
} from '../../../dist-test/test/bench/outbox/timed-transactions.js';
import { config, setupSql } from './pg-transactional-outbox.js';

const { databaseUrl, events, setting } = request();
const { work, count } = JSON.parse(setting) as OutboxSetting;
const { note } = JSON.parse(orderMessage(1).value) as { note: string };
const source = businessSource(databaseUrl, count);
await source.initialize();
process.once('SIGTERM', () => source.destroy());
await source.query(setupSql);
const store = initializeMessageStorage(config(databaseUrl), getDisabledLogger());

await timed(count, events, (number) =>
  source.transaction(async (manager) => {
    await business(manager, work, number);
    const order = { ...orderOf(number), note };
    const client = await manager.queryRunner!.connect();
    await store(
      {
        id: randomUUID(),
        aggregateType: 'order',
        aggregateId: order.orderId,
        messageType: 'order.placed',
        segment: order.orderId,
        payload: order,
      },
      client,
    );
  }),
);
