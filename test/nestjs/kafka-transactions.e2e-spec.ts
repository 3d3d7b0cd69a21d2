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
import { typeOrmStorage } from '@exactly-once/typeorm';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Controller, type INestApplication, Module, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Ctx, Payload } from '@nestjs/microservices';
import { TypeOrmModule } from '@nestjs/typeorm';
import { IsString } from 'class-validator';
import { DataSource } from 'typeorm';
import { findKafka, type KafkaCluster } from '../services/kafka.js';
import { until } from '../services/ports.js';
import { findPostgres } from '../services/postgres.js';

describe('an application with handlers in Kafka transactions', () => {
  let kafka: KafkaCluster;
  let app: INestApplication | null = null;
  let [input, output, group] = ['', '', ''];

  beforeEach(async () => {
    kafka = await findKafka();
    input = await kafka.createTopic('nest-tx');
    output = await kafka.createTopic('nest-tx-out');
    await kafka.createNamedTopic(`${input}.dead-letters`, 1);
    group = kafka.group('nest-tx');
  });

  afterEach(async () => {
    await app?.close();
    app = null;
    await kafka.stop();
  });

  it('needs no database, validates, and publishes through the outbox', async () => {
    const { Handlers } = classes();
    @Module({ imports: [root()], controllers: [Handlers] })
    class MainModule {}
    app = await start(MainModule);

    await produce([{ name: 'a' }, { name: 5 }, { name: 'c' }]);
    await drained();

    expect((await dump(output)).map(({ value }) => value)).toEqual(['{"name":"a"}', '{"name":"c"}']);
    const [letter] = await dump(`${input}.dead-letters`);
    expect(letter!.headers['eo_code']).toBe('EO_VALIDATION_FAILED');
    const refused = app.get(ExactlyOnce).transaction(async () => {});
    await expect(refused).rejects.toMatchObject({ code: 'EO_NO_DATABASE' });
  });

  it('refuses a repository inside of such a handler, beside a database', async () => {
    const postgres = await findPostgres();
    const database = await postgres.createDatabase('nest_tx');
    const { Writers } = classes();
    const typeOrm = TypeOrmModule.forRoot({ type: 'postgres', url: database.url });
    @Module({
      imports: [typeOrm, root({ storage: typeOrmStorage({ migrate: true }) })],
      controllers: [Writers],
    })
    class MainModule {}
    app = await start(MainModule);

    await produce([{ name: 'a' }]);
    await drained();
    await app.close();
    app = null;
    await database.drop();
    await postgres.stop();

    const [letter] = await dump(`${input}.dead-letters`);
    expect(letter!.headers['eo_code']).toBe('EO_NO_DATABASE');
  });

  it('does not start where a handler would never run', async () => {
    const { Handlers } = classes();
    @Module({ imports: [root()], controllers: [Handlers] })
    class MainModule {}
    const unconnected = await NestFactory.create(MainModule, { logger: false, abortOnError: false });

    await expect(unconnected.init()).rejects.toThrow(/would never run: call app.connectMicroservice/);
  });

  function classes() {
    @EventType<Placed>('order.placed', { topic: input, key: (event) => event.name })
    class Placed {
      @IsString()
      name!: string;
    }

    @EventType<Recorded>('sale.recorded', { topic: output, key: (event) => event.name })
    class Recorded {
      constructor(readonly name: string) {}
    }

    @Controller()
    class Handlers {
      constructor(private readonly outbox: OutboxRepository) {}

      @IdempotentHandler(Placed, { transaction: 'kafka' })
      async record(@Payload() placed: Placed, @Ctx() context: EventContext): Promise<void> {
        if (!(placed instanceof Placed) || context.topic !== input) throw new Error('not what was placed');
        await this.outbox.publish(new Recorded(placed.name));
      }
    }

    @Controller()
    class Writers {
      constructor(private readonly source: DataSource) {}

      @IdempotentHandler(Placed, { transaction: 'kafka' })
      async write(): Promise<void> {
        await this.source.query('SELECT 1');
      }
    }
    return { Handlers, Writers };
  }

  function root(options: object = {}) {
    return ExactlyOnceModule.forRoot({
      service: 'sales',
      group,
      unhandled: 'skip',
      retry: { attempts: 1 },
      broker: kafkaBroker({ client: { brokers: kafka.brokers } }),
      ...options,
    });
  }

  async function start(module: Type): Promise<INestApplication> {
    const created = await NestFactory.create(module, { logger: false, abortOnError: false });
    created.connectMicroservice(exactlyOnce(), { inheritAppConfig: true });
    await created.startAllMicroservices();
    return created.init();
  }

  async function produce(bodies: readonly object[]): Promise<void> {
    const producer = kafka.client.producer();
    await producer.connect();
    const messages = bodies.map((body, index) => ({
      key: 'k',
      value: JSON.stringify(body),
      headers: { ce_specversion: '1.0', ce_id: `e${index}`, ce_source: 'test', ce_type: 'order.placed' },
    }));
    await producer.send({ topic: input, messages });
    await producer.disconnect();
  }

  async function drained(): Promise<void> {
    await until('the group stands at the end', async () => {
      const committed = await kafka.committed(group, input).catch(() => new Map<number, bigint>());
      return (await kafka.ends(input)).get(0) === committed.get(0);
    });
  }

  async function dump(topic: string) {
    return kafka.dump(topic, { isolation: 'read_committed' });
  }
});
