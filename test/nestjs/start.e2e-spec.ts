import { kafkaBroker } from '@exactly-once/kafka';
import {
  EventType,
  ExactlyOnce,
  ExactlyOnceHealthIndicator,
  ExactlyOnceModule,
  exactlyOnce,
  IdempotentHandler,
} from '@exactly-once/nestjs';
import { typeOrmStorage } from '@exactly-once/typeorm';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Controller, type INestApplication, Module, type Type, ValidationPipe } from '@nestjs/common';
import { ModuleRef, NestFactory } from '@nestjs/core';
import { EventPattern, MessagePattern, Transport } from '@nestjs/microservices';
import { DataSource } from 'typeorm';
import { freePort, until } from '../services/ports.js';
import { NestWorld } from './nest-world.js';

describe('the start of an application', () => {
  let world: NestWorld;

  beforeAll(async () => {
    world = await NestWorld.open('start');
  });

  afterAll(async () => {
    await world.close();
  });

  const main = (controller: Type | null, options = {}) => {
    @Module({
      imports: [world.typeOrm(), world.exactlyOnce(options)],
      controllers: controller === null ? [] : [controller],
    })
    class MainModule {}
    return MainModule;
  };

  it.each([
    ['an unknown option', { retrys: {} }, /did you mean "retry"/],
    ['an unknown nested option', { relay: { leasMs: 1 } }, /did you mean "leaseMs"/],
    ['no word about types without a handler', { unhandled: undefined }, /'skip', 'dead-letter' or 'stop'/],
    ['a value out of bounds', { batch: { maxEvents: 0 } }, /from 1 to 10000/],
  ])('stops for %s', async (_, options, message) => {
    const starting = (async () => world.start(main(null, options)))();

    await expect(starting).rejects.toThrow(message);
  });

  it('stops where the tables are missing, and says how to make them', async () => {
    const empty = await world.postgres.createDatabase('empty');
    try {
      @Module({ imports: [world.typeOrm(empty.url), world.exactlyOnce({ storage: typeOrmStorage() })] })
      class MainModule {}

      await expect(world.start(MainModule)).rejects.toThrow(/EO_SCHEMA_MISSING.*npx exactly-once migrate/);
    } finally {
      for (const app of world.apps.splice(0)) await app.close();
      await empty.drop();
    }
  });

  it.each<[string, () => Type, RegExp]>([
    ['a @MessagePattern', () => messageController(), /@MessagePattern/],
    ['a bare handler without a pattern', () => barePattern(), /no @EventPattern/],
    ['a bare handler over TCP', () => tcpController(), /transport TCP/],
  ])('refuses %s', async (_, controller, message) => {
    await expect(world.start(main(controller()))).rejects.toThrow(message);
  });

  it('stops for a handler that was renamed without a word, and takes it with one', async () => {
    const service = { service: 'renaming' };
    const first = await world.start(main(namedController('before'), service));
    await world.feed({ id: 'renamed', data: {} });
    await until(
      'it is recorded',
      async () => (await world.database.query('SELECT 1 FROM eo_inbox')).length > 0,
    );
    await first.close();

    await expect(world.start(main(namedController('after'), service))).rejects.toThrow(
      /new: after; vanished: before/,
    );
    const again = await world.start(main(namedController('after', 'before'), service));

    await world.feed({ id: 'after the renaming', data: {} });
    await until(
      'the new one has been handled',
      async () => (await world.database.query('SELECT 1 FROM eo_inbox')).length > 1,
    );
    expect(await world.database.query('SELECT DISTINCT handler_id FROM eo_inbox')).toHaveLength(1);
    expect(again.get(ExactlyOnceHealthIndicator).isHealthy('events')).toMatchObject({
      events: { status: 'up' },
    });
  });

  it('starts while the broker is away, says so in its health, and stops in order', async () => {
    const port = await freePort();
    const broker = kafkaBroker({ client: { brokers: [`127.0.0.1:${port}`], retry: { retries: 0 } } });
    const app: INestApplication = await world.start(
      main(namedController('away'), { service: 'away', broker }),
    );
    const health = () => app.get(ExactlyOnceHealthIndicator).isHealthy('events')['events'];

    expect(health()).toMatchObject({ status: 'down' });
    await until('it says why', async () => JSON.stringify(health()).includes('ECONNREFUSED'));
    await app.close();
  });

  it.each([
    ['warns where global pipes would not apply', false],
    ['is silent where they do', true],
  ])('%s', async (_, inheritAppConfig) => {
    const warnings: string[] = [];
    const silent = () => undefined;
    const logger = {
      log: silent,
      error: silent,
      debug: silent,
      warn: (message: string) => warnings.push(message),
    };
    const service = { service: `inherits-${inheritAppConfig}` };
    const module = main(namedController(`inherits-${inheritAppConfig}`), service);
    const app = await NestFactory.create(module, { logger, abortOnError: false });
    world.apps.push(app);

    app.connectMicroservice(exactlyOnce(), { inheritAppConfig });
    app.useGlobalPipes(new ValidationPipe());
    await app.startAllMicroservices();

    const found = warnings.filter((warning) => /global pipes do not apply.*inheritAppConfig/.test(warning));
    expect(found).toHaveLength(inheritAppConfig ? 0 : 1);
  });

  it('takes options that are injected', async () => {
    @Module({
      imports: [
        world.typeOrm(),
        ExactlyOnceModule.forRootAsync({
          inject: [ModuleRef],
          useFactory: (moduleRef: ModuleRef) => ({
            service: `async-${moduleRef.constructor.name.length > 0}`,
            unhandled: 'skip',
            storage: typeOrmStorage({ migrate: true }),
            broker: kafkaBroker({ client: { brokers: world.kafka.brokers } }),
          }),
        }),
      ],
    })
    class MainModule {}
    const app = await world.start(MainModule);

    const result = await app.get(ExactlyOnce).transaction(async () => 'committed');

    expect(result).toBe('committed');
  });

  it('is done with its own work before the DataSource goes', async () => {
    @EventType('thing.happened', { topic: world.topic })
    class ThingHappened {}
    const group = world.kafka.group('slow');
    let entered = false;

    @Controller()
    class SlowHandlers {
      constructor(private readonly source: DataSource) {}

      @IdempotentHandler(ThingHappened, { name: 'slow' })
      async handle() {
        entered = true;
        await this.source.query('SELECT pg_sleep(0.3)');
        await this.source.query(`INSERT INTO ledger (handler, event_id) VALUES ('slow', 'done')`);
      }
    }
    const app = await world.start(main(SlowHandlers, { service: 'slow', group }));
    await world.feed({ id: 'slow', data: {} });
    await until('the handler runs', async () => entered);

    await app.close();

    expect(await world.ledger()).toContain('slow done');
    const [fences] = await world.database.query(
      'SELECT bool_and(clean) AS clean FROM eo_fence WHERE group_name = $1',
      [group],
    );
    expect(fences).toEqual({ clean: true });
  });

  function namedController(name: string, renamedFrom?: string): Type {
    @EventType('thing.happened', { topic: world.topic })
    class ThingHappened {}

    @Controller()
    class NamedHandlers {
      @IdempotentHandler(ThingHappened, { name, ...(renamedFrom === undefined ? {} : { renamedFrom }) })
      async handle() {}
    }
    return NamedHandlers;
  }

  function messageController(): Type {
    @Controller()
    class MessageHandlers {
      @IdempotentHandler()
      @MessagePattern('ask')
      async handle() {}
    }
    return MessageHandlers;
  }

  function barePattern(): Type {
    @Controller()
    class BareHandlers {
      @IdempotentHandler()
      async handle() {}
    }
    return BareHandlers;
  }

  function tcpController(): Type {
    @Controller()
    class TcpHandlers {
      @IdempotentHandler()
      @EventPattern<string>('told', Transport.TCP)
      async handle() {}
    }
    return TcpHandlers;
  }
});
