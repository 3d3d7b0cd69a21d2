/**
 * Exactly-once event processing for NestJS.
 *
 * ```ts
 * @Module({
 *   imports: [
 *     TypeOrmModule.forRoot({ type: 'postgres', url, autoLoadEntities: true }),
 *     ExactlyOnceModule.forRoot({
 *       service: 'payments',
 *       unhandled: 'skip',
 *       storage: typeOrmStorage(),
 *       broker: kafkaBroker({ client: { brokers } }),
 *     }),
 *     PaymentsModule,
 *   ],
 * })
 * export class MainModule {}
 *
 * const app = await NestFactory.create(MainModule);
 * app.connectMicroservice(exactlyOnce(), { inheritAppConfig: true });
 * await app.startAllMicroservices();
 * ```
 */
export {
  type DatabaseBrokerOptions,
  type DeadLetterFilter,
  type DeadLetterHead,
  type DiscardReport,
  type DryRun,
  databaseBroker,
  EventContext,
  ExactlyOnceError,
  PermanentError,
  type PublishOptions,
  type ReplayReport,
  RetryAfterError,
  type StoredDeadLetter,
} from '@exactly-once/core';
export {
  type DeadLetterPage,
  DeadLetters,
  type DiscardOptions,
  type ReplayOptions,
} from './dead-letters.service.js';
export { type DryRunApplication, dryRunApplication } from './dry-run-application.js';
export { type EventClass, EventType, type EventTypeOptions, eventTypeOf } from './event-type.decorator.js';
export { ExactlyOnceHealthIndicator, type ExactlyOnceHealthResult } from './exactly-once.health.js';
export { type ExactlyOnceAsyncOptions, ExactlyOnceModule } from './exactly-once.module.js';
export type { ExactlyOnceOptions } from './exactly-once.options.js';
export { type ExactlyOnceMicroservice, exactlyOnce } from './exactly-once.server.js';
export { ExactlyOnce } from './exactly-once.service.js';
export type { IdempotentHandlerOptions } from './handler-mark.js';
export { IdempotencyInterceptor } from './idempotency.interceptor.js';
export { IdempotentHandler } from './idempotent-handler.decorator.js';
export { InjectOutbox, OutboxRepository, type OutboxWithin } from './outbox.repository.js';
export { exactlyOnceTransport } from './tokens.js';
