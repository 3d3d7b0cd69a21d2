/**
 * Publishes events into the running transaction. Step 1 of an event's life. Sends nothing itself.
 */
import type { EventEnvelope, Publication, PublishOptions } from '@exactly-once/core';
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
  async publish(events: readonly object[], options?: PublishOptions): Promise<EventEnvelope[]>;
  async publish(event: object, options?: PublishOptions): Promise<EventEnvelope>;
  async publish(
    given: object | readonly object[],
    options?: PublishOptions,
  ): Promise<EventEnvelope | EventEnvelope[]> {
    if (!Array.isArray(given)) return this.#publishOne(given, options);
    return Promise.all(given.map((event) => this.#publishOne(event, options)));
  }

  /**
   * The outbox within a transaction that your own code began, given by its EntityManager:
   *
   *     await dataSource.transaction(async (manager) => {
   *       await manager.insert(Order, order);
   *       await this.outbox.within(manager).publish(new OrderPlaced(order.id));
   *     });
   *
   * Each call writes at once, however many events in one statement, and has to be awaited. In a handler, and in
   * `ExactlyOnce.transaction`, the manager's transaction is the framework's own: this is `publish` then, which writes
   * when that is sealed.
   */
  within(manager: object): OutboxWithin {
    return new OutboxWithin(this.instance, manager);
  }

  #publishOne(event: object, options?: PublishOptions): Promise<EventEnvelope> {
    const { type, data } = publication(event);
    return this.instance.outbox.publish(type, data, options);
  }
}

/** What `OutboxRepository.within` gives. */
export class OutboxWithin {
  constructor(
    private readonly instance: Instance,
    private readonly manager: object,
  ) {}

  /**
   * Adds one event, or several in order. Throws EO_NO_TRANSACTION where the manager is in none, EO_OPTION_INVALID where
   * it is of another DataSource, EO_TRANSACTION_ENDED where the transaction was over, EO_EVENT_TYPE_MISSING,
   * EO_BODY_UNENCODABLE; the database's own errors pass through.
   */
  async publish(events: readonly object[], options?: PublishOptions): Promise<EventEnvelope[]>;
  async publish(event: object, options?: PublishOptions): Promise<EventEnvelope>;
  async publish(
    given: object | readonly object[],
    options?: PublishOptions,
  ): Promise<EventEnvelope | EventEnvelope[]> {
    const events = Array.isArray(given) ? given : [given];
    const { outbox } = this.instance;
    const published = await outbox.publishWithin(this.manager, events.map(publication), options);
    return Array.isArray(given) ? published : published[0]!;
  }
}

function publication(event: object): Publication {
  return { type: eventTypeOf(event.constructor as EventClass), data: event };
}

/** Injects the outbox of a named instance. */
export const InjectOutbox = (name: string): ParameterDecorator & PropertyDecorator =>
  Inject(outboxToken(name));
