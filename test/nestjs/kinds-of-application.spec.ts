import {
  EventContext,
  EventType,
  ExactlyOnce,
  ExactlyOnceHealthIndicator,
  ExactlyOnceModule,
  exactlyOnce,
  IdempotentHandler,
} from '@exactly-once/nestjs';
import { InMemoryBroker, InMemoryStorage } from '@exactly-once/testing';
import { beforeEach, describe, expect, it } from '@jest/globals';
import {
  Controller,
  Get,
  Inject,
  Injectable,
  Module,
  Scope,
  type Type,
  ValidationPipe,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Ctx, type MicroserviceOptions } from '@nestjs/microservices';
import { HealthCheckService, TerminusModule } from '@nestjs/terminus';
import { until } from '../services/ports.js';
import { MemoryApplication, quiet } from './memory-application.js';

@EventType('thing.happened', { topic: 'things' })
class ThingHappened {}

@Injectable({ scope: Scope.REQUEST })
class PerEvent {
  events: string[] = [];
}

let seen: string[];

@Controller()
class ThingHandlers {
  @IdempotentHandler(ThingHappened)
  async handle(@Ctx() { id }: EventContext) {
    seen.push(id);
  }
}

@Controller()
class PositionHandlers {
  @IdempotentHandler(ThingHappened, { dedup: 'offset' })
  async handle(@Ctx() { id }: EventContext) {
    seen.push(id);
  }
}

@Controller()
class ScopedHandlers {
  constructor(@Inject(PerEvent) private readonly perEvent: PerEvent) {}

  @IdempotentHandler(ThingHappened)
  async handle(@Ctx() { id }: EventContext) {
    this.perEvent.events.push(id);
    if (id === 'bad') throw new Error('not this one');
    seen.push(`${id}: ${this.perEvent.events.join()}`);
  }
}

@Controller('http')
class HttpController {
  @Get()
  get() {
    return 'something';
  }
}

describe('an application', () => {
  let memory: MemoryApplication;

  beforeEach(() => {
    memory = new MemoryApplication();
    seen = [];
  });

  const feed = (...ids: string[]) => {
    for (const id of ids) memory.feed('things', 'thing.happened', id);
  };

  it('may be a microservice alone', async () => {
    const app = await NestFactory.createMicroservice<MicroserviceOptions>(
      memory.module({ controllers: [ThingHandlers] }),
      { ...(exactlyOnce() as object), ...quiet },
    );
    await app.listen();

    feed('1', '1', '2');
    await until('the last is handled', async () => seen.includes('2'));
    await app.close();

    expect(seen).toEqual(['1', '2']);
  });

  it('may know what was handled by the position alone: a copy at another offset is another event', async () => {
    const app = await NestFactory.create(memory.module({ controllers: [PositionHandlers] }), quiet);
    app.connectMicroservice(exactlyOnce(), { inheritAppConfig: true });
    await app.startAllMicroservices();

    feed('1', '1', '2');
    await until('the last is handled', async () => seen.includes('2'));
    await app.close();

    expect(seen).toEqual(['1', '1', '2']);
  });

  it('may make its controllers anew for each event', async () => {
    const retry = { attempts: 1 };
    const module = memory.module({ controllers: [ScopedHandlers], providers: [PerEvent] }, { retry });
    const app = await NestFactory.create(module, quiet);
    app.connectMicroservice(exactlyOnce(), { inheritAppConfig: true });
    await app.startAllMicroservices();

    feed('1', 'bad', '2');
    await until('the last is handled', async () => seen.includes('2: 2'));
    await app.close();

    expect(seen.filter((one) => one.startsWith('bad'))).toEqual([]);
    expect(seen).toContain('1: 1');
  });

  it('may name an instance whose options are computed', async () => {
    const { name: _, ...options } = memory.options();

    @Module({
      imports: [ExactlyOnceModule.forRootAsync({ name: 'second', useFactory: async () => options })],
    })
    class SecondRoot {}

    @Module({
      imports: [ExactlyOnceModule.forFeature('second')],
      controllers: [ThingHandlers],
    })
    class DomainModule {}

    @Module({ imports: [SecondRoot, DomainModule] })
    class MainModule {}
    const app = await NestFactory.create(MainModule, quiet);
    app.connectMicroservice(exactlyOnce(), { inheritAppConfig: true });
    await app.startAllMicroservices();

    feed('1');
    await until('it is handled', async () => seen.includes('1'));
    const result = await app
      .select(DomainModule)
      .get(ExactlyOnce)
      .transaction(async () => 'committed');
    await app.close();

    expect(result).toBe('committed');
  });

  it("answers Terminus's health check, up and down", async () => {
    const module = memory.module({ imports: [TerminusModule], controllers: [ThingHandlers] });
    const app = await NestFactory.create(module, quiet);
    app.connectMicroservice(exactlyOnce(), { inheritAppConfig: true });
    const check = async () => {
      const health = await app.resolve(HealthCheckService);
      return health.check([() => app.get(ExactlyOnceHealthIndicator).isHealthy('events')]);
    };

    const before = await check().catch((error: { getResponse(): unknown }) => error.getResponse());
    await app.startAllMicroservices();
    await until('it is up', async () =>
      check().then(
        () => true,
        () => false,
      ),
    );
    await app.close();

    expect(before).toMatchObject({ status: 'error', error: { events: { status: 'down' } } });
  });

  it('consumes nothing in any of its instances where one has a wrong option', async () => {
    const other = memory.options({
      name: 'second',
      service: 'second',
      batch: { maxEvents: 0 },
      storage: { inject: [], create: () => new InMemoryStorage() },
      broker: { inject: [], create: () => new InMemoryBroker() },
    });
    const module = memory.module({
      imports: [ExactlyOnceModule.forRoot(other)],
      controllers: [ThingHandlers],
    });
    feed('1');
    const app = await NestFactory.create(module, quiet);
    app.connectMicroservice(exactlyOnce(), { inheritAppConfig: true });

    await expect(app.startAllMicroservices()).rejects.toThrow(/batch.maxEvents/);
    const health = app.get(ExactlyOnceHealthIndicator).isHealthy('events');
    await app.close();

    expect(health['events']?.status).toBe('down');
    expect(seen).toEqual([]);
  });

  it.each<[string, Type, { inheritAppConfig: boolean; deferInitialization?: boolean }, number]>([
    ['warns of pipes that do not apply', ThingHandlers, { inheritAppConfig: false }, 1],
    [
      'warns of them where handlers are made late',
      ThingHandlers,
      { inheritAppConfig: false, deferInitialization: true },
      1,
    ],
    ['is silent where they apply', ThingHandlers, { inheritAppConfig: true }, 0],
    [
      'is silent where they apply and handlers are made late',
      ThingHandlers,
      { inheritAppConfig: true, deferInitialization: true },
      0,
    ],
    ['is silent where they apply to each event anew', ScopedHandlers, { inheritAppConfig: true }, 0],
  ])('%s, with controllers of HTTP that it made before', async (_, controller, options, count) => {
    const warnings: string[] = [];
    const silent = () => undefined;
    const warn = (message: string) => warnings.push(message);
    const logger = { log: silent, error: silent, debug: silent, warn };
    const controllers = [HttpController, controller];
    const module = memory.module({ controllers, providers: [PerEvent] });
    const app = await NestFactory.create(module, { ...quiet, logger });

    app.connectMicroservice(exactlyOnce(), options);
    app.useGlobalPipes(new ValidationPipe());
    await app.init();
    await app.startAllMicroservices();
    await app.close();

    const found = warnings.filter((one) => /global pipes do not apply.*inheritAppConfig/.test(one));
    expect(found).toHaveLength(count);
  });
});
