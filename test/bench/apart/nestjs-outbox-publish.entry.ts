/**
 * The business transactions, each with one event that nestjs-outbox stores in the same transaction. Its poller rests
 * meanwhile. On TypeORM 0.3, which it asks for.
 */
import { randomUUID } from 'node:crypto';
import { TransactionalEventEmitter } from '@fullstackhouse/nestjs-outbox';
import { DataSource } from 'typeorm';
import { request } from '../../../dist-test/test/bench/contestants/order-payload.js';
import { orderMessage } from '../../../dist-test/test/bench/harness/produce-events.js';
import {
  accounts,
  type OutboxSetting,
  orderOf,
  spareConnections,
  timed,
} from '../../../dist-test/test/bench/outbox/timed-transactions.js';
import { Account, Effect, migrate, OrderPlaced, outboxApplication } from './nestjs-outbox.js';

const { databaseUrl, events, setting } = request();
const { count } = JSON.parse(setting) as OutboxSetting;
const { note } = JSON.parse(orderMessage(1).value) as { note: string };
await migrate(databaseUrl);
const app = await outboxApplication({
  databaseUrl,
  poolSize: count + spareConnections,
  pollingInterval: 3_600_000,
});
const [source, emitter] = [app.get(DataSource), app.get(TransactionalEventEmitter)];

await timed(count, events, (number) =>
  source.transaction(async (manager) => {
    const order = { ...orderOf(number), note };
    const { id } = await manager.findOneByOrFail(Account, { id: number % accounts });
    await manager.increment(Account, { id }, 'cents', number);
    await manager.insert(Effect, orderOf(number));
    const stored: object[] = [];
    await emitter.emit(new OrderPlaced(randomUUID(), order.orderId, JSON.stringify(order)), [], {
      persist: (entity) => stored.push(entity),
      remove: () => undefined,
      flush: async () => {
        await manager.save(stored);
      },
    });
  }),
);
