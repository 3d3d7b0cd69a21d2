/**
 * What is written by hand today: Nest's own Kafka transport, as many records at once as there are partitions, a
 * ValidationPipe and TypeORM; for each event a transaction with an inbox row and the effect. With the setting
 * `contended` the effect also pays into an account.
 */
import { Controller, Module, ValidationPipe } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  Ctx,
  EventPattern,
  KafkaContext,
  type KafkaOptions,
  Payload,
  Transport,
} from '@nestjs/microservices';
import { TypeOrmModule } from '@nestjs/typeorm';
import type { Consumer, Kafka } from 'kafkajs';
import { DataSource } from 'typeorm';
import { accountOf } from '../accounts.js';
import { AccountEntity } from './account.entity.js';
import { maxWaitTimeInMs, startClock } from './bench-kafka.js';
import { EffectEntity } from './effect.entity.js';
import { OrderPayload, request } from './order-payload.js';

const { databaseUrl, brokers, topic, group, setting } = request();

@Controller()
class OrderHandlers {
  constructor(private readonly source: DataSource) {}

  @EventPattern<string>(topic)
  async place(@Payload() order: OrderPayload, @Ctx() context: KafkaContext): Promise<void> {
    await this.source.transaction(async (manager) => {
      const rows = await manager.query(
        'INSERT INTO inbox (id) VALUES ($1) ON CONFLICT DO NOTHING RETURNING id',
        [String(context.getMessage().headers!['ce_id'])],
      );
      if (rows.length === 0) return;
      await manager.getRepository(EffectEntity).insert({ orderId: order.orderId, cents: order.cents });
      if (setting !== 'contended') return;
      await manager
        .getRepository(AccountEntity)
        .increment({ id: accountOf(order.cents) }, 'cents', order.cents);
    });
  }
}

@Module({
  imports: [
    TypeOrmModule.forRoot({
      type: 'postgres',
      url: databaseUrl,
      poolSize: 8,
      entities: [EffectEntity, AccountEntity],
    }),
  ],
  controllers: [OrderHandlers],
})
class BenchModule {}

const app = await NestFactory.createMicroservice<KafkaOptions>(BenchModule, {
  transport: Transport.KAFKA,
  options: {
    postfixId: '',
    client: { clientId: 'bench', brokers: [...brokers] },
    consumer: { groupId: group, maxWaitTimeInMs },
    subscribe: { fromBeginning: true },
    run: { partitionsConsumedConcurrently: 4 },
  },
  logger: ['error', 'warn'],
});
await app.get(DataSource).query('CREATE TABLE IF NOT EXISTS inbox (id text PRIMARY KEY)');
app.useGlobalPipes(new ValidationPipe({ transform: true }));
app.enableShutdownHooks();
const connected = app.status.subscribe(() => {
  connected.unsubscribe();
  const [, consumer] = app.unwrap<[Kafka, Consumer]>();
  startClock(consumer);
});
await app.listen();
