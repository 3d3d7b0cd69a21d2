/**
 * Ours, as the documentation has it for speed: a Nest application with one handler, its class given. What a
 * contestant of ours does not say is the framework's default.
 */
import { kafkaBroker } from '@exactly-once/kafka';
import { EventType, ExactlyOnceModule, exactlyOnce } from '@exactly-once/nestjs';
import { typeOrmStorage } from '@exactly-once/typeorm';
import { Module, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { TypeOrmModule } from '@nestjs/typeorm';
import { AccountEntity } from './account.entity.js';
import { BenchKafka } from './bench-kafka.js';
import { EffectEntity } from './effect.entity.js';
import { OrderPayload, request } from './order-payload.js';

const { databaseUrl, brokers, topic, group, setting: asked } = request();

/** Of this process's request. */
export const setting = asked;

@EventType('order.placed', { topic })
export class OrderPlaced extends OrderPayload {}

interface Application {
  readonly handlers: Type;
  /** Sends statements without waiting for each answer: lanes need it. Default false. */
  readonly pipeline?: boolean;
  /** Most events of one transaction. Default: the framework's. */
  readonly maxEvents?: number;
  /** Whether payloads are checked. Default true. */
  readonly validate?: boolean;
}

export async function startOurs(application: Application): Promise<void> {
  const { handlers, pipeline = false, maxEvents = 500, validate = true } = application;
  @Module({
    imports: [
      TypeOrmModule.forRoot({
        type: 'postgres',
        url: databaseUrl,
        poolSize: 8,
        entities: [EffectEntity, AccountEntity],
        extra: { pipeline },
      }),
      TypeOrmModule.forFeature([EffectEntity, AccountEntity]),
      ExactlyOnceModule.forRoot({
        service: 'bench',
        group,
        unhandled: 'stop',
        storage: typeOrmStorage({ migrate: true }),
        broker: kafkaBroker({ client: new BenchKafka(brokers) }),
        relay: false,
        validate,
        batch: { maxEvents },
      }),
    ],
    controllers: [handlers],
  })
  class BenchModule {}

  const app = await NestFactory.createMicroservice(BenchModule, {
    ...exactlyOnce(),
    logger: ['error', 'warn'],
  });
  app.enableShutdownHooks();
  await app.listen();
}
