import { IdempotentHandler } from '@exactly-once/nestjs';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  type ArgumentsHost,
  type BeforeApplicationShutdown,
  type CallHandler,
  type CanActivate,
  Catch,
  Controller,
  type ExceptionFilter,
  type ExecutionContext,
  Injectable,
  type NestInterceptor,
  type Type,
} from '@nestjs/common';
import { EventPattern, Payload, Transport } from '@nestjs/microservices';
import { catchError, of } from 'rxjs';
import { DataSource } from 'typeorm';
import { until } from '../services/ports.js';
import { ForeignWorld } from './foreign-world.js';

interface Told {
  readonly note: string;
  readonly fail?: string;
}

const toldOf = (context: ExecutionContext) => context.switchToRpc().getData() as Told;

@Catch()
class SwallowingFilter implements ExceptionFilter {
  catch(_error: unknown, _host: ArgumentsHost) {
    return of({ status: 'logged' });
  }
}

@Injectable()
class RefusingGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    if (toldOf(context).fail === 'guard') throw new Error('the guard threw');
    return toldOf(context).fail !== 'forbidden';
  }
}

@Injectable()
class AnsweringInterceptor implements NestInterceptor {
  intercept(context: ExecutionContext, next: CallHandler) {
    if (toldOf(context).fail === 'answered') return of('instead');
    return next.handle().pipe(catchError(() => of('fine')));
  }
}

describe.each([
  ['Kafka', Transport.KAFKA],
  ['RabbitMQ', Transport.RMQ],
])("a bare handler over Nest's %s whose application catches all", (label, transport) => {
  let world: ForeignWorld;

  beforeAll(async () => {
    world = await ForeignWorld.open(`refusals-${label.toLowerCase()}`);
  });

  afterAll(async () => {
    await world.close();
  });

  it('dead-letters what a guard, an interceptor or the handler refuses, and goes on', async () => {
    const app = await world.create(handlersOf('catching', async (_, { fail }) => fail !== 'throws'));
    app.useGlobalGuards(new RefusingGuard());
    app.useGlobalInterceptors(new AnsweringInterceptor());
    app.useGlobalFilters(new SwallowingFilter());
    await world.start(app, server());
    const fails = ['guard', 'forbidden', 'answered', 'throws'];

    for (const fail of fails) await send(fail, { note: fail, fail });
    await send('good', { note: 'good' });
    await world.nest.handled('catching good');

    expect(await world.nest.ledger()).toEqual(['catching good']);
    expect(await world.nest.letters()).toEqual([
      'EO_HANDLER_FAILED guard',
      'EO_HANDLER_FAILED forbidden',
      'EO_HANDLER_NOT_REACHED answered',
      'EO_HANDLER_FAILED throws',
    ]);
    await app.close();
    world.nest.apps.pop();
  });

  it('gives a message back that a shutdown interrupts, before its connection goes', async () => {
    let calls = 0;
    const Handlers = handlersOf('interrupted', () => {
      calls++;
      return calls === 1 ? new Promise<never>(() => {}) : Promise.resolve(true);
    });

    @Injectable()
    class WaitingModule implements BeforeApplicationShutdown {
      async beforeApplicationShutdown() {
        if (transport === Transport.RMQ) await world.nest.handled('interrupted late');
      }
    }
    const options = { service: 'interrupted', shutdownMs: 100 };
    const first = await world.create(Handlers, options, [WaitingModule]);
    first.useGlobalFilters(new SwallowingFilter());
    await world.start(first, server());
    await send('late', { note: 'late' });
    await until('the handler runs', async () => calls === 1);
    const startSecond = async () => world.start(await world.create(Handlers, options), server());
    if (transport === Transport.RMQ) await startSecond();

    await first.close();
    if (transport === Transport.KAFKA) await startSecond();
    await world.nest.handled('interrupted late');

    expect((await world.nest.ledger()).filter((one) => one === 'interrupted late')).toHaveLength(1);
    world.nest.apps.splice(0, 1);
  });

  const server = () => (transport === Transport.RMQ ? world.rabbitmq({ noAck: false }) : world.kafka());

  /** Writes after `work`, where that says yes; throws otherwise. */
  function handlersOf(name: string, work: (source: DataSource, told: Told) => Promise<boolean>): Type {
    const pattern = transport === Transport.KAFKA ? world.nest.topic : 'told';

    @Controller()
    class ToldHandlers {
      constructor(private readonly source: DataSource) {}

      @IdempotentHandler({ name })
      @EventPattern<string>(pattern, transport)
      async handle(@Payload() told: Told) {
        if (!(await work(this.source, told))) throw new Error('not this one');
        await this.source.query('INSERT INTO ledger (handler, event_id) VALUES ($1, $2)', [name, told.note]);
      }
    }
    return ToldHandlers;
  }

  async function send(id: string, data: Told): Promise<void> {
    if (transport === Transport.RMQ) await world.tell('told', data, id);
    else await world.nest.feed({ id, data });
  }
});
