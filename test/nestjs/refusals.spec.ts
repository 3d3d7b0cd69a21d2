import {
  EventType,
  ExactlyOnceHealthIndicator,
  ExactlyOnceModule,
  exactlyOnce,
  IdempotentHandler,
} from '@exactly-once/nestjs';
import { typeOrmStorage } from '@exactly-once/typeorm';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Controller, type INestApplication, Injectable, Module, type ModuleMetadata } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { EventPattern, Transport } from '@nestjs/microservices';
import { MemoryApplication, quiet } from './memory-application.js';

@EventType('thing.happened', { topic: 'things' })
class ThingHappened {}

@Controller()
class ThingHandlers {
  @IdempotentHandler(ThingHappened)
  async handle() {}
}

@Injectable()
class ProvidedHandlers {
  @IdempotentHandler(ThingHappened)
  async handle() {}
}

describe('what an application refuses', () => {
  let memory: MemoryApplication;
  let app: INestApplication | null;

  beforeEach(() => {
    memory = new MemoryApplication();
    app = null;
  });

  afterEach(() => app?.close());

  async function start(metadata: ModuleMetadata, options = {}): Promise<void> {
    app = await NestFactory.create(memory.module(metadata, options), quiet);
    app.connectMicroservice(exactlyOnce(), { inheritAppConfig: true });
    await app.startAllMicroservices();
  }

  it('is connected too late', async () => {
    app = await NestFactory.create(memory.module({ controllers: [ThingHandlers] }), quiet);
    await app.init();

    expect(() => app?.connectMicroservice(exactlyOnce())).toThrow(/EO_OPTION_INVALID.*call it before/);
    expect(app.get(ExactlyOnceHealthIndicator).isHealthy('events')).toMatchObject({
      events: {
        status: 'down',
        instances: {
          default: { parts: { handlers: { reason: 'not connected: test/ThingHandlers.handle' } } },
        },
      },
    });
  });

  it('two @IdempotentHandler on one method', () => {
    const load = () => {
      class TwiceHandlers {
        @IdempotentHandler(ThingHappened, { name: 'one' })
        @IdempotentHandler('other.happened', { name: 'two', topic: 'others' })
        async handle() {}
      }
      return TwiceHandlers;
    };

    expect(load).toThrow(/TwiceHandlers.handle carries two @IdempotentHandler/);
  });

  it.each([
    ['a class', ProvidedHandlers],
    ['a factory', { provide: 'made', useFactory: () => new ProvidedHandlers() }],
    ['a value', { provide: 'made', useValue: new ProvidedHandlers() }],
  ])('a handler on a provider, given as %s', async (_, provider) => {
    await expect(start({ providers: [provider] })).rejects.toThrow(
      /ProvidedHandlers.handle .* is a provider: list it under `controllers`/,
    );
  });

  it('a handler that two controllers inherit', async () => {
    class BaseHandlers {
      @IdempotentHandler(ThingHappened)
      async handle() {}
    }
    @Controller()
    class LeftHandlers extends BaseHandlers {}
    @Controller()
    class RightHandlers extends BaseHandlers {}

    await expect(start({ controllers: [LeftHandlers, RightHandlers] })).rejects.toThrow(
      /EO_HANDLER_DUPLICATE.*LeftHandlers and RightHandlers/,
    );
  });

  it('two handlers of one name', async () => {
    @Controller()
    class TwoHandlers {
      @IdempotentHandler(ThingHappened, { name: 'same' })
      async left() {}

      @IdempotentHandler(ThingHappened, { name: 'same' })
      async right() {}
    }

    await expect(start({ controllers: [TwoHandlers] })).rejects.toThrow(/EO_HANDLER_DUPLICATE.*"same"/);
  });

  it.each([
    ['both bare', Transport.RMQ, IdempotentHandler({ name: 'other' })],
    ['one of them plain', Transport.RMQ, undefined],
    ['one of them for every transport', undefined, undefined],
  ])('two handlers of one RabbitMQ pattern, %s', async (_, transport, decorator) => {
    @Controller()
    class SharingHandlers {
      @IdempotentHandler({ name: 'one' })
      @EventPattern<object>({ cmd: 'told', area: 1 }, Transport.RMQ)
      async one() {}

      async other() {}
    }
    const other = Object.getOwnPropertyDescriptor(SharingHandlers.prototype, 'other')!;
    EventPattern<object>({ area: 1, cmd: 'told' }, transport as never)(
      SharingHandlers.prototype,
      'other',
      other,
    );
    decorator?.(SharingHandlers.prototype, 'other', other);
    Object.defineProperty(SharingHandlers.prototype, 'other', other);

    await expect(start({ controllers: [SharingHandlers] })).rejects.toThrow(/same pattern.*only once/);
  });

  it('a handler with both a type and a pattern, at the server of the pattern', async () => {
    @Controller()
    class BothHandlers {
      @EventPattern<string>('told', Transport.TCP)
      @IdempotentHandler(ThingHappened)
      async handle() {}
    }
    app = await NestFactory.create(memory.module({ controllers: [BothHandlers] }), quiet);

    expect(() => app?.connectMicroservice({ transport: Transport.TCP })).toThrow(/a type and a pattern/);
  });

  it('a module of two instances', async () => {
    @Module({
      imports: [ExactlyOnceModule.forFeature('a'), ExactlyOnceModule.forFeature('b')],
      controllers: [ThingHandlers],
    })
    class DomainModule {}
    const roots = ['a', 'b'].map((name) =>
      ExactlyOnceModule.forRoot(memory.options({ name, service: name })),
    );

    await expect(start({ imports: [...roots, DomainModule] })).rejects.toThrow(
      /forFeature\(\) of "a" and "b"/,
    );
  });

  it('a place to start from in a topic that nobody reads', async () => {
    const starting = start({ controllers: [ThingHandlers] }, { startFrom: { thingz: 'latest' } });

    await expect(starting).rejects.toThrow(/"thingz"; did you mean "things"/);
  });

  it.each([
    [
      "a topic beside its class's",
      () => IdempotentHandler(ThingHappened, { topic: 'other' }),
      /leave it out/,
    ],
    ['a topic at the bare form', () => IdempotentHandler({ topic: 'other' }), /Nest's own server/],
    ['a start at the bare form', () => IdempotentHandler({ startFrom: 'latest' }), /Nest's own server/],
    ['lanes at the bare form', () => IdempotentHandler({ concurrency: 4 }), /Nest's own server/],
    [
      'positions at the bare form',
      () => IdempotentHandler({ dedup: 'offset' }),
      /the position is the transport's/,
    ],
    ['parking at the bare form', () => IdempotentHandler({ order: 'key' }), /wait for each message/],
    [
      'an order that is none',
      () => IdempotentHandler(ThingHappened, { order: 'keys' as never }),
      /did you mean "key"/,
    ],
    ['batches at the bare form', () => IdempotentHandler({ batch: 10 }), /one message at a time/],
    [
      'batches of a transaction each',
      () => IdempotentHandler('x', { topic: 't', batch: 10, commit: 'event' }),
      /leave one out/,
    ],
    ['batches of nothing', () => IdempotentHandler('x', { topic: 't', batch: 0 }), /from 1 to 10000/],
    [
      'a start that is none',
      () => IdempotentHandler(ThingHappened, { startFrom: 'erliest' as never }),
      /did you mean "earliest"/,
    ],
  ])('%s', (_, load, message) => {
    expect(load).toThrow(message);
  });

  it.each([
    ['a storage that was not called', { storage: typeOrmStorage as never }, /call it, typeOrmStorage\(\)/],
    ['a broker that is none', { broker: 'kafka' as never }, /`broker` is string/],
    ['a validation that is neither on nor off', { validate: 'no' as never }, /`validate` is no/],
  ])('%s', (_, options, message) => {
    expect(() => memory.module({}, options)).toThrow(message);
  });
});
