/**
 * Publishes orders in business transactions at a steady rate, whatever becomes of those before (an open loop), with the
 * relay in the same process. Tells of each order when it was due and when its transaction was committed. The setting is
 * how many a second, as JSON.
 */
import { kafkaBroker } from '@exactly-once/kafka';
import { EventType, ExactlyOnce, ExactlyOnceModule, OutboxRepository } from '@exactly-once/nestjs';
import { typeOrmStorage } from '@exactly-once/typeorm';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { TypeOrmModule } from '@nestjs/typeorm';
import { OrderPayload, request } from '../contestants/order-payload.js';
import { orderMessage } from '../harness/produce-events.js';
import { wallClock } from '../harness/wall-clock.js';
import type { Published } from './latency-run.js';

const { databaseUrl, brokers, topic, events, setting } = request();
const { perSecond } = JSON.parse(setting) as { perSecond: number };
const { note } = JSON.parse(orderMessage(1).value) as OrderPayload;
const tellEvery = 200;

@EventType('order.placed', { topic, key: ({ orderId }: OrderPlaced) => orderId })
class OrderPlaced extends OrderPayload {
  constructor(number: number) {
    super();
    Object.assign(this, { orderId: `order-${number}`, cents: number, note });
  }
}

@Module({
  imports: [
    TypeOrmModule.forRoot({ type: 'postgres', url: databaseUrl, poolSize: 16 }),
    ExactlyOnceModule.forRoot({
      service: 'bench-publisher',
      unhandled: 'skip',
      storage: typeOrmStorage({ migrate: true }),
      broker: kafkaBroker({ client: { clientId: 'publisher', brokers: [...brokers], logLevel: 0 } }),
    }),
  ],
})
class PublisherModule {}

const app = await NestFactory.createApplicationContext(PublisherModule, { logger: false });
app.enableShutdownHooks();
const [exactlyOnce, outbox] = [app.get(ExactlyOnce), app.get(OutboxRepository)];

let told: Published[] = [];
let published = 0;

async function publish(number: number, dueAtMs: number): Promise<void> {
  await exactlyOnce.transaction(() => outbox.publish(new OrderPlaced(number)));
  told.push([number, dueAtMs, clockMs()]);
  published++;
  if (told.length < tellEvery && published < events) return;
  process.send?.(told);
  told = [];
}

const clockMs = wallClock();
const startAtMs = clockMs();
const dueAtMs = (number: number) => startAtMs + ((number - 1) * 1_000) / perSecond;
for (let number = 1; number <= events; ) {
  while (number <= events && dueAtMs(number) <= clockMs()) {
    void publish(number, dueAtMs(number)); // one that fails ends the process, and with it the run
    number++;
  }
  await new Promise((resolve) => setTimeout(resolve, 1));
}
