/**
 * Ours, as the documentation has it for speed: a Nest application, a handler for each event, `repository.insert`; lanes
 * and a pipelining connection. The setting is the handler's `commit`, or `sequential`: neither lanes nor pipelining.
 */
import { kafkaBroker } from '@exactly-once/kafka';
import { EventType, ExactlyOnceModule, exactlyOnce, IdempotentHandler } from '@exactly-once/nestjs';
import { typeOrmStorage } from '@exactly-once/typeorm';
import { Controller, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Payload } from '@nestjs/microservices';
import { InjectRepository, TypeOrmModule } from '@nestjs/typeorm';
import { Repository } from 'typeorm';
import { BenchKafka } from './bench-kafka.js';
import { EffectEntity } from './effect.entity.js';
import { OrderPayload, request } from './order-payload.js';

const { databaseUrl, brokers, topic, group, setting } = request();
const inLanes = setting !== 'sequential';

@EventType('order.placed', { topic })
class OrderPlaced extends OrderPayload {}

@Controller()
class OrderHandlers {
  constructor(@InjectRepository(EffectEntity) private readonly effects: Repository<EffectEntity>) {}

  @IdempotentHandler(OrderPlaced, {
    commit: setting === 'event' ? 'event' : 'batch',
    concurrency: inLanes ? 32 : 1,
  })
  async place(@Payload() order: OrderPlaced): Promise<void> {
    await this.effects.insert({ orderId: order.orderId, cents: order.cents });
  }
}

@Module({
  imports: [
    TypeOrmModule.forRoot({
      type: 'postgres',
      url: databaseUrl,
      poolSize: 8,
      entities: [EffectEntity],
      extra: { pipeline: inLanes },
    }),
    TypeOrmModule.forFeature([EffectEntity]),
    ExactlyOnceModule.forRoot({
      service: 'bench',
      group,
      unhandled: 'stop',
      storage: typeOrmStorage({ migrate: true }),
      broker: kafkaBroker({ client: new BenchKafka(brokers) }),
      relay: false,
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
