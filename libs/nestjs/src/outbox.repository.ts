/**
 * Publishes events into the running transaction. Step 1 of an event's life. Sends nothing itself.
 */
import type { EventEnvelope, PublishOptions } from '@exactly-once/core';
import { Inject, Injectable } from '@nestjs/common';
import { type EventClass, eventTypeOf } from './event-type.decorator.js';
import type { Instance } from './instance.js';
import { outboxToken } from './tokens.js';

@Injectable()
export class OutboxRepository {
  constructor(private readonly instance: Instance) {}

  /**
   * Adds one event, or several in order, to the transaction of the handler or of `ExactlyOnce.transaction`.
   * In a batch handler `{ causedBy: context }` says which event caused them; it throws EO_CAUSE_REQUIRED without.
   * Throws EO_NO_TRANSACTION outside of one, EO_EVENT_TYPE_MISSING, EO_BODY_UNENCODABLE.
   */
  async publish(event: object, options?: PublishOptions): Promise<EventEnvelope>;
  async publish(events: readonly object[], options?: PublishOptions): Promise<EventEnvelope[]>;
  async publish(
    given: object | readonly object[],
    options?: PublishOptions,
  ): Promise<EventEnvelope | EventEnvelope[]> {
    if (!Array.isArray(given)) return this.#publishOne(given, options);
    return Promise.all(given.map((event) => this.#publishOne(event, options)));
  }

  #publishOne(event: object, options?: PublishOptions): Promise<EventEnvelope> {
    const descriptor = eventTypeOf(event.constructor as EventClass);
    return this.instance.outbox.publish(descriptor, event, options);
  }
}

/** Injects the outbox of a named instance. */
export const InjectOutbox = (name: string): ParameterDecorator & PropertyDecorator =>
  Inject(outboxToken(name));
