/**
 * `@IdempotentHandler`: marks a controller's method as a handler whose effects happen once for each event.
 * Step 5 of an event's life.
 */
import { type EventTypeDescriptor, ExactlyOnceError } from '@exactly-once/core';
import { applyDecorators, UseFilters, UseInterceptors } from '@nestjs/common';
import { EventPattern } from '@nestjs/microservices';
import { capturedHandler } from './captured-handler.js';
import { ErrorProbeFilter } from './error-capture.js';
import { type EventClass, eventTypeOf } from './event-type.decorator.js';
import {
  type HandlerMark,
  type IdempotentHandlerOptions,
  labelOf,
  markExtra,
  markMetadata,
} from './handler-mark.js';
import { checkBareOptions, checkHandlerOptions } from './handler-options.js';
import { IdempotencyInterceptor } from './idempotency.interceptor.js';
import { exactlyOnceTransport } from './tokens.js';

/** Nest's own metadata key (@nestjs/microservices, `constants`). */
const extrasKey = 'microservices:pattern_extras';

/**
 * `@IdempotentHandler(OrderPlaced, options)` or `('order.placed', { topic })`: consumed through `exactlyOnce()`.
 * With `{ batch: n }` the method takes arrays: `(@Payload() events: OrderPlaced[], @Ctx() contexts: EventContext[])`,
 * up to n fresh events in order, `contexts[i]` that of `events[i]`; Nest's guards, interceptors, pipes and filters see
 * one call with both arrays. An event that `validate` refuses is not among them.
 * Bare, `@IdempotentHandler(options?)` beside `@EventPattern`: over Nest's Kafka, or RabbitMQ with `noAck: false`.
 * Throws EO_OPTION_UNKNOWN, EO_OPTION_INVALID and EO_EVENT_TYPE_MISSING when the class is loaded.
 */
export function IdempotentHandler(
  typeOrOptions?: string | EventClass | IdempotentHandlerOptions,
  given: IdempotentHandlerOptions = {},
): MethodDecorator {
  const bare = typeOrOptions === undefined || typeof typeOrOptions === 'object';
  const options = bare ? (typeOrOptions ?? {}) : given;
  if (bare) checkBareOptions(options);
  checkHandlerOptions(options);
  const type = bare ? null : descriptorOf(typeOrOptions, options);
  const eventClass = typeof typeOrOptions === 'function' ? typeOrOptions : null;
  return (target, key, descriptor: PropertyDescriptor) => {
    const mark: HandlerMark = {
      owner: target.constructor.name,
      method: String(key),
      options,
      type,
      eventClass,
    };
    if (Reflect.hasMetadata(markMetadata, descriptor.value)) throw decoratedTwice(mark);
    descriptor.value = capturedHandler(descriptor.value, mark);
    Reflect.defineMetadata(markMetadata, mark, descriptor.value);
    const extras = { ...Reflect.getMetadata(extrasKey, descriptor.value), [markExtra]: mark };
    Reflect.defineMetadata(extrasKey, extras, descriptor.value);
    const decorators: MethodDecorator[] = [
      UseInterceptors(IdempotencyInterceptor),
      UseFilters(ErrorProbeFilter),
    ];
    if (type !== null) decorators.push(EventPattern<string>(type.type, exactlyOnceTransport));
    applyDecorators(...decorators)(target, key, descriptor);
    return descriptor;
  };
}

function descriptorOf(type: string | EventClass, { topic }: IdempotentHandlerOptions): EventTypeDescriptor {
  if (typeof type === 'string') {
    if (topic !== undefined) return { type, topic, version: 1 };
    throw new ExactlyOnceError('EO_EVENT_TYPE_MISSING', `@IdempotentHandler("${type}") has no \`topic\``);
  }
  const descriptor = eventTypeOf(type);
  if (topic === undefined || topic === descriptor.topic) return descriptor;
  const what = `@IdempotentHandler(${type.name}): \`topic\` is "${topic}", but its @EventType says "${descriptor.topic}"; leave it out`;
  throw new ExactlyOnceError('EO_OPTION_INVALID', what);
}

function decoratedTwice(mark: HandlerMark): ExactlyOnceError {
  const what = `${labelOf(mark)} carries two @IdempotentHandler: a method handles one type, so give each its own`;
  return new ExactlyOnceError('EO_OPTION_INVALID', what);
}
