import { EventType, exactlyOnce, IdempotencyInterceptor, IdempotentHandler } from '@exactly-once/nestjs';
import { InMemoryStorage } from '@exactly-once/testing';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import {
  BadRequestException,
  type CallHandler,
  Controller,
  createParamDecorator,
  Get,
  type INestApplication,
  type INestMicroservice,
  Injectable,
  type NestHybridApplicationOptions,
  type NestInterceptor,
  type PipeTransform,
  type Provider,
  Scope,
  type Type,
  UseInterceptors,
  UsePipes,
} from '@nestjs/common';
import { APP_INTERCEPTOR, APP_PIPE, NestFactory } from '@nestjs/core';
import { Payload } from '@nestjs/microservices';
import { until } from '../services/ports.js';
import { MemoryApplication, quiet } from './memory-application.js';

@EventType('thing.happened', { topic: 'things' })
class ThingHappened {}

@Injectable()
class RefusingPipe implements PipeTransform {
  transform(): never {
    throw new BadRequestException('refused by a pipe');
  }
}

@Injectable({ scope: Scope.REQUEST })
class ScopedPipe extends RefusingPipe {}

@Injectable()
class PassingInterceptor implements NestInterceptor {
  intercept(_: unknown, next: CallHandler) {
    return next.handle();
  }
}

@Controller()
class Plain {
  @IdempotentHandler(ThingHappened)
  async handle(@Payload() _thing: ThingHappened) {}
}

@Controller()
class PipeOfParameter {
  @IdempotentHandler(ThingHappened)
  async handle(@Payload(RefusingPipe) _thing: ThingHappened) {}
}

@Controller()
class PipeOfMethod {
  @UsePipes(RefusingPipe)
  @IdempotentHandler(ThingHappened)
  async handle(@Payload() _thing: ThingHappened) {}
}

@UsePipes(RefusingPipe)
@Controller()
class PipeOfClass {
  @IdempotentHandler(ThingHappened)
  async handle(@Payload() _thing: ThingHappened) {}
}

@Controller()
class InterceptorOfMethod {
  @IdempotentHandler(ThingHappened)
  @UseInterceptors(PassingInterceptor)
  async handle(@Payload() _thing: ThingHappened) {}
}

@UseInterceptors(PassingInterceptor)
@Controller()
class InterceptorOfClass {
  @IdempotentHandler(ThingHappened)
  async handle(@Payload() _thing: ThingHappened) {}
}

@Controller()
class RouteToo {
  @Get('handle')
  @IdempotentHandler(ThingHappened)
  async handle(@Payload() _thing: ThingHappened) {}
}

const Decorated = createParamDecorator(() => {
  throw new BadRequestException('refused by a decorator');
});

@Controller()
class DecoratorOfParameter {
  @IdempotentHandler(ThingHappened)
  async handle(@Payload() _thing: ThingHappened, @Decorated() _made: unknown) {}
}

@Injectable({ scope: Scope.REQUEST })
class PerEvent {}

@Controller()
class OfRequestScope {
  constructor(readonly perEvent: PerEvent) {}

  @IdempotentHandler(ThingHappened)
  async handle(@Payload() _thing: ThingHappened) {}
}

interface Setting {
  readonly providers?: Provider[];
  readonly configure?: (app: INestApplication) => void;
  /** Of the microservice that was connected. */
  readonly connected?: (microservice: INestMicroservice, app: INestApplication) => void;
  readonly options?: NestHybridApplicationOptions;
  readonly beside?: Type[];
}

const global = (configure: Setting['configure']): Setting => ({ configure: configure! });

describe('the interceptor of a handler', () => {
  let memory: MemoryApplication;
  let storage: InMemoryStorage;
  let app: INestApplication;
  let intercepts: jest.SpiedFunction<IdempotencyInterceptor['intercept']>;

  beforeEach(() => {
    memory = new MemoryApplication();
    storage = new InMemoryStorage();
    intercepts = jest.spyOn(IdempotencyInterceptor.prototype, 'intercept');
  });

  afterEach(async () => {
    intercepts.mockRestore();
    await app.close();
  });

  async function handleOne(controller: Type, setting: Setting = {}) {
    const { providers = [], beside = [], configure = () => {}, connected = () => {} } = setting;
    const metadata = { controllers: [controller, ...beside], providers };
    const module = memory.module(metadata, { storage: { inject: [], create: () => storage } });
    app = await NestFactory.create(module, quiet);
    configure(app);
    const options = setting.options ?? { inheritAppConfig: true };
    connected(app.connectMicroservice(exactlyOnce(), options), app);
    await app.init();
    await app.startAllMicroservices();
    memory.feed('things', 'thing.happened', 'one');
    await until('the event is done', async () => storage.inbox.filled([0, 1, 2]));
  }

  it.each<[string, Type, Setting]>([
    ['a parameter', PipeOfParameter, {}],
    ['a method', PipeOfMethod, {}],
    ['a class', PipeOfClass, {}],
    ['the application', Plain, global((one) => one.useGlobalPipes(new RefusingPipe()))],
    ['a module', Plain, { providers: [{ provide: APP_PIPE, useClass: RefusingPipe }] }],
    ["a parameter's own decorator", DecoratorOfParameter, {}],
    [
      'the microservice alone',
      Plain,
      {
        options: { deferInitialization: true },
        connected: (one) => one.useGlobalPipes(new RefusingPipe()),
      },
    ],
    [
      'the application, set late, where a handler is made for each event',
      OfRequestScope,
      {
        providers: [PerEvent],
        beside: [Plain],
        connected: (_, one) => one.useGlobalPipes(new RefusingPipe()),
      },
    ],
    ['a module, for each event anew', Plain, { providers: [{ provide: APP_PIPE, useClass: ScopedPipe }] }],
  ])('sees what a pipe of %s refuses: the payload is invalid for ever', async (_, controller, setting) => {
    await handleOne(controller, setting);

    expect(storage.deadLetters.letters.map(({ code, attempts }) => [code, attempts])).toEqual([
      ['EO_VALIDATION_FAILED', 1],
    ]);
  });

  it.each<[string, Type, Setting]>([
    ['a method', InterceptorOfMethod, {}],
    ['a class', InterceptorOfClass, {}],
    ['the application', Plain, global((one) => one.useGlobalInterceptors(new PassingInterceptor()))],
    ['a module', Plain, { providers: [{ provide: APP_INTERCEPTOR, useClass: PassingInterceptor }] }],
  ])('stands next to the pipes where %s has interceptors', async (_, controller, setting) => {
    await handleOne(controller, setting);

    expect(intercepts).toHaveBeenCalledTimes(1);
  });

  it('is left out where there is nothing that it could see', async () => {
    await handleOne(Plain);

    expect(intercepts).not.toHaveBeenCalled();
    expect(storage.deadLetters.letters).toEqual([]);
  });

  it('refuses a call over HTTP, of a method that is a route as well', async () => {
    await handleOne(RouteToo);
    await app.listen(0, '127.0.0.1');

    const response = await fetch(`${await app.getUrl()}/handle`);

    expect(response.status).toBe(500);
    expect(storage.deadLetters.letters).toEqual([]);
  });
});
