/**
 * The ledger as a NestJS application, written as a user would write it: repositories, an outbox, decorated handlers.
 * Only storage and broker are described by hand, so that crash points stand around them.
 */
import type { EventContext, PublishOptions } from '@exactly-once/core';
import {
  type EventClass,
  EventType,
  ExactlyOnce,
  ExactlyOnceHealthIndicator,
  ExactlyOnceModule,
  exactlyOnce,
  IdempotentHandler,
  type IdempotentHandlerOptions,
  OutboxRepository,
} from '@exactly-once/nestjs';
import { Catch, Controller, type ExceptionFilter, Module, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Ctx, Payload } from '@nestjs/microservices';
import { TypeOrmModule } from '@nestjs/typeorm';
import { IsInt, IsOptional } from 'class-validator';
import { EMPTY } from 'rxjs';
import { DataSource } from 'typeorm';
import type { PostgresDriver } from 'typeorm/driver/postgres/PostgresDriver.js';
import type { LedgerData } from '../record/message.js';
import { answerQueries } from './answer-queries.js';
import {
  batchOptions,
  dataSourceOptions,
  plannedBroker,
  plannedStorage,
  workerLogger,
} from './engine-parts.js';
import { Ledger, type Written } from './ledger.js';
import type { Witness } from './witness.js';
import { type HandlerPlan, outputType, type WorkerPlan } from './worker-plan.js';

/** What case 48 is about: nobody hears of the error any more. */
@Catch()
class SwallowingFilter implements ExceptionFilter {
  constructor(readonly witness: Witness) {}

  catch() {
    this.witness.note({ kind: 'act', act: 'filter', message: '', attempt: 0 });
    return EMPTY;
  }
}

/** Starts the application and resolves when it consumes; the function returned ends it in order. */
export async function startNest(plan: WorkerPlan, witness: Witness): Promise<() => Promise<void>> {
  const app = await NestFactory.create(ledgerModule(plan, witness), { logger: ['error', 'warn'] });
  if (plan.swallowingFilter) app.useGlobalFilters(new SwallowingFilter(witness));
  app.connectMicroservice(exactlyOnce(), { inheritAppConfig: true });
  await app.startAllMicroservices();
  await app.init();
  const health = app.get(ExactlyOnceHealthIndicator);
  while (health.isHealthy('events')['events']?.status !== 'up') {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  if (plan.dataFolder !== null) answerQueries(app.get(DataSource));
  const pool = (app.get(DataSource).driver as PostgresDriver).master as { waitingCount: number };
  const watch = setInterval(() => {
    noteHealth(health, witness);
    witness.noteMost({ kind: 'pool', waiting: pool.waitingCount });
  }, 20);
  return async () => {
    clearInterval(watch);
    await app.close();
  };
}

function noteHealth(health: ExactlyOnceHealthIndicator, witness: Witness): void {
  const { status, instances } = health.isHealthy('events')['events']!;
  const parts = Object.values(instances).flatMap((instance) => Object.values(instance.parts));
  witness.noteHealth(
    status,
    parts.flatMap((part) => (part.status === 'down' ? [part.reason ?? ''] : [])),
  );
}

function ledgerModule(plan: WorkerPlan, witness: Witness): Type<unknown> {
  const publish = publisher(plan);
  @Module({
    imports: [
      TypeOrmModule.forRoot(dataSourceOptions(plan)),
      ExactlyOnceModule.forRoot({
        service: plan.service,
        group: plan.group,
        unhandled: 'dead-letter',
        storage: {
          inject: [DataSource],
          create: (found: DataSource) => plannedStorage(found, plan, witness),
        },
        broker: { inject: [], create: () => plannedBroker(plan, witness) },
        logger: workerLogger,
        ...batchOptions(plan),
      }),
    ],
    controllers: plan.handlers.map((handler) => ledgerController(plan, handler)),
    providers: [
      {
        provide: Ledger,
        inject: [DataSource, OutboxRepository, ExactlyOnce],
        useFactory: (dataSource: DataSource, outbox: OutboxRepository, exactlyOnce: ExactlyOnce) =>
          new Ledger({
            ...{ plan, witness, dataSource },
            publish: (written, options) => publish(outbox, written, options),
            outside: (work) => exactlyOnce.outside(work),
          }),
      },
    ],
  })
  class LedgerModule {}
  return LedgerModule;
}

/** Types and topics of a run are known only now: so the classes are made here. */
function ledgerController(plan: WorkerPlan, handler: HandlerPlan): Type<unknown> {
  const { name, type: plainType, commit, timeoutMs, concurrency, batch, checked, order } = handler;
  const type = checked ? checkedEvent(plan, plainType) : plainType;
  const options = {
    ...(checked ? {} : { topic: plan.topics[plainType]! }),
    ...{ name, commit },
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
    ...(order === undefined ? {} : { order }),
    ...(concurrency === undefined ? {} : { concurrency }),
  };
  if (batch !== undefined) return batchController(type, name, { ...options, batch });
  @Controller()
  class LedgerController {
    constructor(readonly ledger: Ledger) {}

    @IdempotentHandler(type, options)
    async record(@Payload() data: LedgerData, @Ctx() context: EventContext): Promise<void> {
      await this.ledger.record(name, data, context);
    }
  }
  return LedgerController;
}

/** Events of a class with rules; what else they hold is let be. */
function checkedEvent(plan: WorkerPlan, type: string): EventClass {
  @EventType(type, { topic: plan.topics[type]! })
  class CheckedEvent {
    @IsInt() ordinal!: number;
    @IsOptional() @IsInt() rest?: number;
  }
  return CheckedEvent;
}

function batchController(
  type: string | EventClass,
  name: string,
  options: IdempotentHandlerOptions,
): Type<unknown> {
  @Controller()
  class LedgerBatchController {
    constructor(readonly ledger: Ledger) {}

    @IdempotentHandler(type, options)
    async record(@Payload() events: LedgerData[], @Ctx() contexts: EventContext[]): Promise<void> {
      await this.ledger.recordAll(name, events, contexts);
    }
  }
  return LedgerBatchController;
}

type PublishTo = (outbox: OutboxRepository, written: Written, options?: PublishOptions) => Promise<unknown>;

function publisher(plan: WorkerPlan): PublishTo {
  @EventType(outputType, { topic: plan.topics[outputType]!, key: (written: WrittenEvent) => written.key })
  class WrittenEvent implements Written {
    handler!: string;
    message!: string;
    key!: string | null;
  }
  return (outbox, written, options) => outbox.publish(Object.assign(new WrittenEvent(), written), options);
}
