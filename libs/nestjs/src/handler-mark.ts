/**
 * What `@IdempotentHandler` leaves on a method and in the extras of its pattern, for the explorer and the servers.
 */
import type { EventTypeDescriptor, HandlerOptions } from '@exactly-once/core';
import type { EventClass } from './event-type.decorator.js';

export interface IdempotentHandlerOptions extends HandlerOptions {
  /** The handler's identity, recorded in the database. Default `<service>/<Class>.<method>`. */
  readonly name?: string;
  /** Topic, where the type is given as text and no event class says it. */
  readonly topic?: string;
  /** Where a group without a position begins. Not for the bare form; not `latest` in Kafka transactions. Default `earliest`. */
  readonly startFrom?: 'earliest' | 'latest';
}

/** What the decorator leaves on a method, and in the extras of its pattern. */
export interface HandlerMark {
  /** Name of the class that the decorator stands in. */
  readonly owner: string;
  readonly method: string;
  readonly options: IdempotentHandlerOptions;
  /** `null` for the bare form, over a transport of Nest's own. */
  readonly type: EventTypeDescriptor | null;
  /** Class of the events, for validation; `null` where only a name was given. */
  readonly eventClass: EventClass | null;
}

export const markMetadata = Symbol.for('@exactly-once/handler');
export const markExtra = 'exactlyOnce';

/** For messages. */
export function labelOf({ owner, method }: HandlerMark): string {
  return `${owner}.${method}`;
}
