/**
 * A user's program, as `npm run check:peers` compiles and runs it beside the packed packages, as an ES module and as
 * CommonJS: each event is told twice over Kafka, the database, and Nest's own Kafka and RabbitMQ, and by the test kit.
 *
 * Prints how often each told event had its effect. Imports nothing of this repository.
 */
import 'reflect-metadata';
import { kafkaBroker } from '@exactly-once/kafka';
import {
  EventContext,
  EventType,
  ExactlyOnce,
  ExactlyOnceModule,
  exactlyOnce,
  IdempotentHandler,
  OutboxRepository,
} from '@exactly-once/nestjs';
import { testExactlyOnce } from '@exactly-once/testing';
import { typeOrmStorage } from '@exactly-once/typeorm';
import { Controller, type DynamicModule, type INestApplication, Module, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Ctx, EventPattern, Payload, Transport } from '@nestjs/microservices';
import { InjectRepository, TypeOrmModule } from '@nestjs/typeorm';
import { connect } from 'amqplib';
import { IsString } from 'class-validator';
import { Kafka, logLevel } from 'kafkajs';
import { Column, DataSource, Entity, PrimaryGeneratedColumn, Repository } from 'typeorm';

export interface PeersPlan {
  readonly databaseUrl: string;
  /** Another one, for the test kit. */
  readonly testDatabaseUrl: string;
  readonly brokers: string[];
  readonly topic: string;
  /** Of Nest's own transports. */
  readonly foreignTopic: string;
  readonly group: string;
  readonly rabbitUrl: string;
  readonly queue: string;
}

const plan = JSON.parse(process.argv[2]!) as PeersPlan;
const ways = ['kafka', 'nest-kafka', 'nest-rabbitmq', 'database'] as const;
type Way = (typeof ways)[number];
const clientOptions = { brokers: plan.brokers, logLevel: logLevel.NOTHING };

@Entity()
class Effect {
  @PrimaryGeneratedColumn('identity', { type: 'bigint' })
  id!: string;

  @Column()
  way!: string;

  @Column()
  note!: string;
}

@EventType<Told>('told', { topic: plan.topic, key: ({ way }) => way })
class Told {
  @IsString()
  way!: string;

  @IsString()
  note!: string;
}

@Controller()
class ToldHandlers {
  constructor(@InjectRepository(Effect) readonly effects: Repository<Effect>) {}

  @IdempotentHandler(Told)
  async hear(@Payload() { way, note }: Told, @Ctx() _context: EventContext): Promise<void> {
    await this.effects.insert({ way, note });
  }
}

@Controller()
class ForeignHandlers {
  constructor(@InjectRepository(Effect) readonly effects: Repository<Effect>) {}

  @IdempotentHandler()
  @EventPattern<string>(plan.foreignTopic, Transport.KAFKA)
  async kafka(@Payload() { note }: Told): Promise<void> {
    await this.effects.insert({ way: 'nest-kafka', note });
  }

  @IdempotentHandler()
  @EventPattern<string>('told', Transport.RMQ)
  async rabbitmq(@Payload() { note }: Told): Promise<void> {
    await this.effects.insert({ way: 'nest-rabbitmq', note });
  }
}

function domain(...controllers: Type[]): DynamicModule {
  @Module({ imports: [TypeOrmModule.forFeature([Effect])], controllers })
  class DomainModule {}
  return { module: DomainModule };
}

async function start(service: string, kafka: boolean, ...controllers: Type[]): Promise<INestApplication> {
  @Module({
    imports: [
      TypeOrmModule.forRoot({
        type: 'postgres',
        url: plan.databaseUrl,
        autoLoadEntities: true,
        synchronize: true,
      }),
      ExactlyOnceModule.forRoot({
        service,
        group: kafka ? plan.group : service,
        unhandled: 'skip',
        storage: typeOrmStorage({ migrate: true }),
        ...(kafka ? { broker: kafkaBroker({ client: clientOptions }) } : {}),
      }),
      domain(...controllers),
    ],
  })
  class MainModule {}
  const app = await NestFactory.create(MainModule, { logger: ['error', 'warn'] });
  app.connectMicroservice(exactlyOnce(), { inheritAppConfig: true });
  return app;
}

/** The same event twice, then another, after which nothing of the first comes any more. */
const toldBy = (way: Way) => ['twice', 'twice', 'end'].map((note) => ({ id: `${way}-${note}`, way, note }));

async function produce(topic: string, way: Way): Promise<void> {
  const producer = new Kafka(clientOptions).producer();
  await producer.connect();
  const messages = toldBy(way).map(({ id, ...told }) => ({
    key: way,
    value: JSON.stringify(told),
    headers: { ce_specversion: '1.0', ce_id: id, ce_source: 'peers', ce_type: 'told' },
  }));
  await producer.send({ topic, messages });
  await producer.disconnect();
}

async function sendToQueue(): Promise<void> {
  const connection = await connect(plan.rabbitUrl);
  const channel = await connection.createConfirmChannel();
  for (const { id, ...data } of toldBy('nest-rabbitmq')) {
    const content = Buffer.from(JSON.stringify({ pattern: 'told', data }));
    channel.sendToQueue(plan.queue, content, { messageId: id });
  }
  await channel.waitForConfirms();
  await connection.close();
}

async function publish(app: INestApplication): Promise<void> {
  for (const { id, ...told } of toldBy('database')) {
    const event = Object.assign(new Told(), told);
    await app.get(ExactlyOnce).transaction(() => app.get(OutboxRepository).publish(event, { id }));
  }
}

async function ended(app: INestApplication, ...expected: Way[]): Promise<void> {
  const giveUpAtMs = Date.now() + 60_000;
  for (;;) {
    const rows: Effect[] = await app.get(DataSource).getRepository(Effect).findBy({ note: 'end' });
    if (expected.every((way) => rows.some((row) => row.way === way))) return;
    if (Date.now() > giveUpAtMs) throw new Error(`no end of ${expected} but ${rows.map(({ way }) => way)}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function overBrokers(): Promise<void> {
  const app = await start('peers', true, ToldHandlers, ForeignHandlers);
  const { queue, foreignTopic, group } = plan;
  app.connectMicroservice({
    transport: Transport.RMQ,
    options: { urls: [plan.rabbitUrl], queue, noAck: false, queueOptions: { durable: false } },
  });
  app.connectMicroservice({
    transport: Transport.KAFKA,
    options: {
      client: clientOptions,
      consumer: { groupId: `${group}-nest` },
      subscribe: { fromBeginning: true },
    },
  });
  await app.startAllMicroservices();
  await app.init();
  await Promise.all([produce(plan.topic, 'kafka'), produce(foreignTopic, 'nest-kafka'), sendToQueue()]);
  await ended(app, 'kafka', 'nest-kafka', 'nest-rabbitmq');
  await app.close();
}

async function overDatabase(): Promise<Record<string, number>> {
  const app = await start('peers-database', false, ToldHandlers);
  await app.startAllMicroservices();
  await app.init();
  await publish(app);
  await ended(app, 'database');
  const rows = await app.get(DataSource).getRepository(Effect).findBy({ note: 'twice' });
  await app.close();
  return Object.fromEntries(ways.map((way) => [way, rows.filter((row) => row.way === way).length]));
}

async function byTestKit(): Promise<number> {
  const database = { type: 'postgres' as const, url: plan.testDatabaseUrl, synchronize: true };
  const app = await testExactlyOnce(domain(ToldHandlers), { database });
  await app.deliverTwice(Object.assign(new Told(), { way: 'test-kit', note: 'twice' }));
  const count = await app.get(DataSource).getRepository(Effect).count();
  await app.close();
  return count;
}

async function main(): Promise<void> {
  await overBrokers();
  const counts = await overDatabase();
  console.log(JSON.stringify({ ...counts, 'test-kit': await byTestKit() }));
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
