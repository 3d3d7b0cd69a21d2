/**
 * `@EventType`: says what a class is called on the wire, where it goes and what orders it. Step 0 of an event's life.
 */
import { checkNumber, checkOptions, type EventTypeDescriptor, ExactlyOnceError } from '@exactly-once/core';
import 'reflect-metadata';

export interface EventTypeOptions<T> {
  /** Topic that events of this type are published to and consumed from. */
  readonly topic: string;
  /** Ordering key; events of one key are handled in order. Default: none, and no order. */
  readonly key?: (event: T) => string | null;
  /** Version of the body's shape. From 1. Default 1. */
  readonly version?: number;
  /** `upcasters[n]` turns a body of version n into one of version n + 1. */
  readonly upcasters?: Readonly<Record<number, (data: never) => unknown>>;
}

// biome-ignore lint/suspicious/noExplicitAny: any constructor may be decorated
export type EventClass<T = any> = abstract new (...parameters: any[]) => T;

const metadata = Symbol.for('@exactly-once/event-type');

/** Throws EO_OPTION_UNKNOWN, EO_OPTION_MISSING and EO_OPTION_INVALID when the class is loaded. */
// biome-ignore lint/suspicious/noExplicitAny: the event's class is not known before the decorator is applied
export function EventType<T = any>(
  type: string,
  options: EventTypeOptions<T>,
): (target: EventClass<T>) => void {
  const where = `@EventType("${type}")`;
  if (typeof type !== 'string' || type === '')
    throw new ExactlyOnceError('EO_OPTION_MISSING', '@EventType has no type');
  checkOptions(where, options ?? {}, ['topic', 'key', 'version', 'upcasters']);
  checkNumber(`${where} version`, options?.version, 1, 1_000_000);
  if (typeof options?.topic !== 'string' || options.topic === '') {
    throw new ExactlyOnceError('EO_OPTION_MISSING', `${where} has no \`topic\``);
  }
  const { topic, key, version = 1, upcasters } = options;
  const descriptor: EventTypeDescriptor = {
    type,
    topic,
    version,
    ...(key === undefined ? {} : { key: key as (data: unknown) => string | null }),
    ...(upcasters === undefined
      ? {}
      : { upcasters: upcasters as Record<number, (data: unknown) => unknown> }),
  };
  return (target) => Reflect.defineMetadata(metadata, descriptor, target);
}

/** Throws EO_EVENT_TYPE_MISSING for a class that is not decorated. */
export function eventTypeOf(target: EventClass): EventTypeDescriptor {
  const descriptor: EventTypeDescriptor | undefined = Reflect.getMetadata(metadata, target);
  if (descriptor !== undefined) return descriptor;
  throw new ExactlyOnceError('EO_EVENT_TYPE_MISSING', `class ${target.name} carries no @EventType`);
}
