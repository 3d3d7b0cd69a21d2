/**
 * `@IdempotentHandler`: marks a controller's method as a handler whose effects happen once for each event.
 * Step 5 of an event's life.
 */
import { checkOptions, type EventTypeDescriptor, ExactlyOnceError } from '@exactly-once/core';
import { applyDecorators, UseFilters, UseInterceptors } from '@nestjs/common';
import { EventPattern } from '@nestjs/microservices';
import { ErrorProbeFilter } from './error-capture.js';
import { type EventClass, eventTypeOf } from './event-type.decorator.js';
import { type HandlerMark, type IdempotentHandlerOptions, markExtra, markMetadata } from './handler-mark.js';
import { IdempotencyInterceptor } from './idempotency.interceptor.js';
import { exactlyOnceTransport } from './tokens.js';

const knownOptions = [
  'name',
  'topic',
  'startFrom',
  'commit',
  'timeoutMs',
  'retry',
  'renamedFrom',
  'new',
  'concurrency',
];
/** Of the design, but not of this release: refused, so that nobody relies on them. */
const laterOptions: Readonly<Record<string, string>> = {
  batch: 'batch handlers',
  order: 'parked keys',
  dedup: 'deduplication by offset alone',
  transaction: 'Kafka transactions',
};

/**
 * `@IdempotentHandler(OrderPlaced, options)` or `('order.placed', { topic })`: consumed through `exactlyOnce()`.
 * Bare, `@IdempotentHandler(options?)` above `@EventPattern`: over Nest's Kafka, or RabbitMQ with `noAck: false`.
 */
export function IdempotentHandler(
  typeOrOptions?: string | EventClass | IdempotentHandlerOptions,
  given: IdempotentHandlerOptions = {},
): MethodDecorator {
  const bare = typeOrOptions === undefined || typeof typeOrOptions === 'object';
  const options = bare ? (typeOrOptions ?? {}) : given;
  checkHandlerOptions(options);
  const type = bare ? null : descriptorOf(typeOrOptions, options);
  const eventClass = typeof typeOrOptions === 'function' ? typeOrOptions : null;
  return (target, key, descriptor: PropertyDescriptor) => {
    const mark: HandlerMark = { method: String(key), options, type, eventClass };
    Reflect.defineMetadata(markMetadata, mark, descriptor.value);
    const decorators: MethodDecorator[] = [
      UseInterceptors(IdempotencyInterceptor),
      UseFilters(ErrorProbeFilter),
    ];
    if (type !== null)
      decorators.push(EventPattern<string>(type.type, exactlyOnceTransport, { [markExtra]: mark }));
    applyDecorators(...decorators)(target, key, descriptor);
  };
}

function descriptorOf(type: string | EventClass, { topic }: IdempotentHandlerOptions): EventTypeDescriptor {
  if (typeof type === 'function') return eventTypeOf(type);
  if (topic !== undefined) return { type, topic, version: 1 };
  throw new ExactlyOnceError('EO_EVENT_TYPE_MISSING', `@IdempotentHandler("${type}") has no \`topic\``);
}

function checkHandlerOptions(options: IdempotentHandlerOptions): void {
  for (const [name, what] of Object.entries(laterOptions)) {
    if (!(name in options)) continue;
    throw new ExactlyOnceError(
      'EO_OPTION_INVALID',
      `@IdempotentHandler: \`${name}\` (${what}) is not part of this release`,
    );
  }
  checkOptions('@IdempotentHandler', options, knownOptions);
}
