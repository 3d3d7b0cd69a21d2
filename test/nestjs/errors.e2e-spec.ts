import { EventContext, EventType, IdempotentHandler, PermanentError } from '@exactly-once/nestjs';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  type ArgumentsHost,
  applyDecorators,
  BadRequestException,
  type CallHandler,
  type CanActivate,
  Catch,
  Controller,
  type ExceptionFilter,
  type ExecutionContext,
  Injectable,
  Module,
  type NestInterceptor,
  type PipeTransform,
  UseFilters,
  UseGuards,
  UseInterceptors,
} from '@nestjs/common';
import { Ctx, Payload } from '@nestjs/microservices';
import { catchError, EMPTY, of } from 'rxjs';
import { DataSource } from 'typeorm';
import { NestWorld } from './nest-world.js';

interface Thing {
  readonly fail?: string;
}

@Catch()
class SwallowingFilter implements ExceptionFilter {
  catch(_error: unknown, _host: ArgumentsHost) {
    return EMPTY;
  }
}

@Catch(RangeError)
class DecidingFilter implements ExceptionFilter {
  catch(error: RangeError): never {
    throw new PermanentError('the filter says so', { cause: error });
  }
}

@Injectable()
class RefusingGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    if ((context.switchToRpc().getData() as Thing).fail === 'guard') throw new Error('the guard threw');
    return (context.switchToRpc().getData() as Thing).fail !== 'forbidden';
  }
}

@Injectable()
class AnsweringInterceptor implements NestInterceptor {
  intercept(context: ExecutionContext, next: CallHandler) {
    return (context.switchToRpc().getData() as Thing).fail === 'answered' ? of('instead') : next.handle();
  }
}

@Injectable()
class SwallowingInterceptor implements NestInterceptor {
  intercept(context: ExecutionContext, next: CallHandler) {
    const { fail } = context.switchToRpc().getData() as Thing;
    return fail?.endsWith('swallowed') ? next.handle().pipe(catchError(() => of('fine'))) : next.handle();
  }
}

@Injectable()
class RefusingPipe implements PipeTransform {
  transform(thing: Thing) {
    if (thing.fail?.startsWith('pipe')) throw new BadRequestException('the pipe refuses');
    return thing;
  }
}

const none = applyDecorators();
const others = applyDecorators(
  UseGuards(RefusingGuard) as MethodDecorator,
  UseInterceptors(AnsweringInterceptor, SwallowingInterceptor),
  UseFilters(SwallowingFilter, DecidingFilter),
);

describe.each([
  ['above', none, others],
  ['below', others, none],
])('errors through Nest, with @IdempotentHandler %s the other decorators', (place, above, below) => {
  let world: NestWorld;
  let calls: string[];

  beforeAll(async () => {
    world = await NestWorld.open(`errors-${place}`);

    @EventType('thing.happened', { topic: world.topic })
    class ThingHappened {}

    @Controller()
    class ThingHandlers {
      calls: string[] = [];

      constructor(private readonly source: DataSource) {}

      @above
      @IdempotentHandler(ThingHappened, { timeoutMs: 500 })
      @below
      async handle(@Payload(RefusingPipe) thing: Thing, @Ctx() context: EventContext) {
        this.calls.push(context.id);
        await this.source.query('INSERT INTO ledger (handler, event_id) VALUES ($1, $2)', [
          'handle',
          context.id,
        ]);
        if (thing.fail === 'unprocessable') throw new BadRequestException('the provider said so');
        if (thing.fail?.startsWith('throws')) throw new Error('the handler threw');
        if (thing.fail === 'decided') throw new RangeError('to be decided by a filter');
        if (thing.fail === 'hangs')
          await new Promise((resolve) => context.signal.addEventListener('abort', resolve));
        if (thing.fail === 'sql')
          await this.source.query('SELECT * FROM no_such_table').catch(() => undefined);
      }

      @IdempotentHandler(ThingHappened)
      async second(@Ctx() context: EventContext) {
        await this.source.query('INSERT INTO ledger (handler, event_id) VALUES ($1, $2)', [
          'second',
          context.id,
        ]);
      }
    }

    @Module({ imports: [world.typeOrm(), world.exactlyOnce()], controllers: [ThingHandlers] })
    class MainModule {}
    const app = await world.start(MainModule);
    calls = app.get(ThingHandlers).calls;
  });

  afterAll(async () => {
    await world.close();
  });

  it.each([
    ['a handler throws and a filter swallows it', 'throws', 'EO_HANDLER_FAILED'],
    ['a handler throws and an interceptor swallows it', 'throws, swallowed', 'EO_HANDLER_FAILED'],
    ["a handler throws Nest's own 400", 'unprocessable', 'EO_HANDLER_FAILED'],
    ['a pipe refuses and a filter swallows it', 'pipe', 'EO_VALIDATION_FAILED'],
    ['a pipe refuses and an interceptor swallows it', 'pipe, swallowed', 'EO_VALIDATION_FAILED'],
    ['a guard throws and a filter swallows it', 'guard', 'EO_HANDLER_FAILED'],
    ['a guard refuses', 'forbidden', 'EO_HANDLER_FAILED'],
    ['an interceptor answers instead of the handler', 'answered', 'EO_HANDLER_NOT_REACHED'],
    ['a filter decides', 'decided', 'EO_PERMANENT'],
    ['the handler does not settle in time', 'hangs', 'EO_HANDLER_TIMEOUT'],
    ['the handler swallows an SQL error', 'sql', 'EO_TRANSACTION_ABORTED'],
  ])('does not commit where %s; its neighbour and the other handler do', async (_, fail, code) => {
    await world.feed({ id: fail, data: { fail } }, { id: `after ${fail}`, data: {} });
    await world.handled(`handle after ${fail}`);

    const ledger = await world.ledger();
    const letters = await world.letters();

    expect(ledger).not.toContain(`handle ${fail}`);
    expect(ledger.filter((one) => one === `second ${fail}`)).toHaveLength(1);
    expect(ledger.filter((one) => one === `handle after ${fail}`)).toHaveLength(1);
    expect(letters.filter((one) => one.endsWith(` ${fail}`))).toEqual([`${code} ${fail}`]);
  });

  it('tries a handler again that threw an error of HTTP', () => {
    expect(calls.filter((id) => id === 'unprocessable')).toHaveLength(2);
  });

  it('keeps the raw error of a guard that a filter swallowed', async () => {
    const [letter] = await world.database.query(
      `SELECT error_chain FROM eo_dead_letter WHERE event_id = convert_to('guard', 'UTF8')`,
    );

    expect(letter.error_chain).toEqual(['Error: the guard threw']);
  });
});
