/**
 * Ours from Kafka to Kafka in Kafka transactions, without a database. The setting is the most events of a
 * transaction.
 */
import { kafkaBroker } from '@exactly-once/kafka';
import {
  EventType,
  ExactlyOnceModule,
  exactlyOnce,
  IdempotentHandler,
  OutboxRepository,
} from '@exactly-once/nestjs';
import { Controller, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Payload } from '@nestjs/microservices';
import { outputOf } from '../harness/produce-events.js';
import { BenchKafka } from './bench-kafka.js';
import { OrderPayload, request } from './order-payload.js';

const { brokers, topic, group, setting } = request();

@EventType('order.placed', { topic })
class OrderPlaced extends OrderPayload {}

@EventType('order.priced', { topic: outputOf(topic), key: ({ orderId }: OrderPriced) => orderId })
class OrderPriced {
  constructor(
    readonly orderId: string,
    readonly cents: number,
  ) {}
}

@Controller()
class OrderHandlers {
  constructor(private readonly outbox: OutboxRepository) {}

  @IdempotentHandler(OrderPlaced, { transaction: 'kafka' })
  async price(@Payload() { orderId, cents }: OrderPlaced): Promise<void> {
    await this.outbox.publish(new OrderPriced(orderId, cents));
  }
}

@Module({
  imports: [
    ExactlyOnceModule.forRoot({
      service: 'bench',
      group,
      unhandled: 'stop',
      broker: kafkaBroker({ client: new BenchKafka(brokers, { quiet: true }) }),
      batch: { maxEvents: Number(setting), maxOpenMs: 1_000 },
    }),
  ],
  controllers: [OrderHandlers],
})
class BenchModule {}

const app = await NestFactory.createMicroservice(BenchModule, {
  ...exactlyOnce(),
  logger: ['error', 'warn'],
});
app.enableShutdownHooks();
await app.listen();
