/**
 * What a handler is told about the event that it handles. Step 5 of an event's life.
 */
import type { Delivery } from '../broker/delivery.js';
import type { EventEnvelope } from '../event/event-envelope.js';
import type { CallEnd } from './call-end.js';

export class EventContext {
  readonly #end: CallEnd;

  /** @internal */
  constructor(
    readonly event: EventEnvelope,
    readonly delivery: Delivery,
    /** The handler's name. */
    readonly handler: string,
    /**
     * 1, and one more for each attempt of this process that counted as a failure of this event. A call that is
     * repeated for another reason (a neighbour failed, the database was away) has the number of the one before.
     */
    readonly attempt: number,
    /**
     * Stable over every call for the same (handler, source, id), 32 hexadecimal digits: hand it to other
     * systems, which are called at least once.
     */
    readonly idempotencyKey: string,
    end: CallEnd,
    /**
     * True where the transaction of this call is rolled back whatever comes of it, to see what the handler would do: do
     * not call other systems then, they would keep what they are told.
     */
    readonly dryRun = false,
  ) {
    this.#end = end;
  }

  /** Aborts when the handler's time is over or the process stops: its transaction is then rolled back. */
  get signal(): AbortSignal {
    return this.#end.signal;
  }

  /** CloudEvents `id`. */
  get id(): string {
    return this.event.id;
  }
  get source(): string {
    return this.event.source;
  }
  get type(): string {
    return this.event.type;
  }
  get topic(): string {
    return this.event.topic;
  }
  get key(): string | null {
    return this.event.key;
  }
  /** The user's own headers. */
  get headers(): Readonly<Record<string, string>> {
    return this.event.headers;
  }
}
