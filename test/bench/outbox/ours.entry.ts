/**
 * The same transactions, each with one event of 200 bytes: `outbox` by `ExactlyOnce.transaction`, `within` by
 * `dataSource.transaction` and `outbox.within(manager)`.
 */
import { kafkaBroker } from '@exactly-once/kafka';
import { EventType, ExactlyOnce, ExactlyOnceModule, OutboxRepository } from '@exactly-once/nestjs';
import { typeOrmStorage } from '@exactly-once/typeorm';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { TypeOrmModule } from '@nestjs/typeorm';
import { DataSource } from 'typeorm';
import { AccountEntity } from '../contestants/account.entity.js';
import { EffectEntity } from '../contestants/effect.entity.js';
import { OrderPayload, request } from '../contestants/order-payload.js';
import { orderMessage } from '../harness/produce-events.js';
import { business } from './business.js';
import { type OutboxSetting, orderOf, spareConnections, timed } from './timed-transactions.js';

const { databaseUrl, brokers, topic, events, setting } = request();
const { way, work, count } = JSON.parse(setting) as OutboxSetting;
const { note } = JSON.parse(orderMessage(1).value) as OrderPayload;

@EventType('order.placed', { topic, key: ({ orderId }: OrderPlaced) => orderId })
class OrderPlaced extends OrderPayload {
  constructor(number: number) {
    super();
    Object.assign(this, orderOf(number), { note });
  }
}

@Module({
  imports: [
    TypeOrmModule.forRoot({
      type: 'postgres',
      url: databaseUrl,
      poolSize: count + spareConnections,
      entities: [AccountEntity, EffectEntity],
    }),
    ExactlyOnceModule.forRoot({
      service: 'bench',
      unhandled: 'stop',
      storage: typeOrmStorage({ migrate: true }),
      broker: kafkaBroker({ client: { brokers: [...brokers] } }),
      relay: false,
    }),
  ],
})
class BenchModule {}

const app = await NestFactory.createApplicationContext(BenchModule, { logger: ['error', 'warn'] });
app.enableShutdownHooks();
const [dataSource, exactlyOnce, outbox] = [
  app.get(DataSource),
  app.get(ExactlyOnce),
  app.get(OutboxRepository),
];

const ways = {
  outbox: (number: number) =>
    exactlyOnce.transaction(async () => {
      await business(dataSource.manager, work, number);
      await outbox.publish(new OrderPlaced(number));
    }),
  within: (number: number) =>
    dataSource.transaction(async (manager) => {
      await business(manager, work, number);
      await outbox.within(manager).publish(new OrderPlaced(number));
    }),
};
await timed(count, events, ways[way as keyof typeof ways]);
