/**
 * Publishes events into the transaction of the state change. Step 1 of an event's life.
 *
 * Refuses outside of a transaction: an event that commits apart from its cause is the loss this library
 * exists to prevent. A publication that is not awaited is either complete at once or fails its handler. Nothing is
 * sent from here; the relay does that after the commit.
 */
import type { Clock } from '../clock.js';
import { ExactlyOnceError } from '../errors/exactly-once-error.js';
import type { EventCodec } from '../event/event-codec.js';
import type { EventEnvelope } from '../event/event-envelope.js';
import { assertValidId, derivedEventId, newEventId } from '../event/event-id.js';
import type { EventTypeDescriptor } from '../event/event-type.js';
import type { EventContext } from '../processing/event-context.js';
import type { Invocation } from '../processing/invocation.js';
import type { Scope } from '../storage/ambient-scope.js';
import type { Storage } from '../storage/storage.js';
import type { OutboxEntry, WrittenEntry } from '../storage/transaction.js';
import type { Telemetry } from '../telemetry/telemetry.js';
import { checkHeaders, checkKey, checkPublishOptions, type PublishOptions } from './publish-options.js';

export interface OutboxParts {
  readonly storage: Storage;
  readonly codec: EventCodec;
  readonly telemetry: Telemetry;
  readonly clock: Clock;
  readonly source: string;
  /** Called after the commit of a transaction of the user's own that published something. */
  readonly published: () => void;
}

/** An event that is not published yet. */
export interface Publication {
  readonly type: EventTypeDescriptor;
  readonly data: unknown;
}

export class Outbox {
  readonly #parts: OutboxParts;

  constructor(parts: OutboxParts) {
    this.#parts = parts;
  }

  /**
   * Adds one event to the running transaction, in the order of the calls, and returns it. Throws EO_NO_TRANSACTION outside of one,
   * EO_TRANSACTION_ENDED after its end, EO_CAUSE_REQUIRED in a batch handler without `causedBy`, EO_OPTION_INVALID, EO_OPTION_UNKNOWN, EO_BODY_UNENCODABLE, EO_ID_INVALID.
   */
  async publish<T>(
    type: EventTypeDescriptor<T>,
    data: T,
    options: PublishOptions = {},
  ): Promise<EventEnvelope> {
    return this.#publishIn(this.#requireScope(type), { type, data }, options);
  }

  /**
   * Adds events, in order and in one statement, to the transaction that `handle` stands for in the user's code
   * (TypeORM: an EntityManager inside of `dataSource.transaction`). Throws as `publish`.
   */
  async publishWithin(
    handle: object,
    events: readonly Publication[],
    options: PublishOptions = {},
  ): Promise<EventEnvelope[]> {
    const { storage } = this.#parts;
    if (storage.borrow === undefined) {
      const what = `publish within a transaction of your own: ${storage.name} has none`;
      throw new ExactlyOnceError('EO_OPTION_INVALID', what);
    }
    const borrowed = storage.borrow(handle);
    if (!('append' in borrowed)) {
      return Promise.all(events.map((one) => this.#publishIn(open(borrowed, one.type), one, options)));
    }
    const written = await Promise.all(
      events.map(async (one): Promise<WrittenEntry> => {
        const { envelope, body, deliverAtMs } = this.#prepare(null, one, options);
        return { event: { ...envelope, body: await body }, deliverAtMs };
      }),
    );
    if (written.length > 0) await borrowed.append(written, this.#parts.published);
    return written.map(({ event }) => event);
  }

  async #publishIn(scope: Scope, publication: Publication, options: PublishOptions): Promise<EventEnvelope> {
    const { envelope, body, deliverAtMs } = this.#prepare(scope, publication, options);
    const entry: OutboxEntry = { event: null, deliverAtMs, scope };
    scope.transaction.outgoing.push(entry);
    if ('then' in body) entry.event = { ...envelope, body: await encoded(scope, publication.type, body) };
    else entry.event = { ...envelope, body };
    return entry.event;
  }

  #prepare(scope: Scope | null, { type, data }: Publication, options: PublishOptions) {
    checkPublishOptions(options);
    const key = options.key !== undefined ? options.key : (type.key?.(data) ?? null);
    checkKey(key);
    const envelope = this.#envelope(scope, type, key, options);
    const deliverAtMs = options.deliverAt?.getTime() ?? null;
    return { envelope, deliverAtMs, body: this.#parts.codec.encode(data, type.type) };
  }

  #envelope(
    scope: Scope | null,
    type: EventTypeDescriptor,
    key: string | null,
    options: PublishOptions,
  ): Omit<EventEnvelope, 'body'> {
    const { codec, telemetry, clock, source } = this.#parts;
    const invocation = scope?.invocation ?? null;
    const context = causeOf(invocation, options);
    const id = options.id ?? nextId(invocation, context, type, key);
    assertValidId(id);
    const cause = context?.event;
    const trace = telemetry.traceContext();
    return {
      id,
      source,
      type: type.type,
      version: type.version,
      topic: options.topic ?? type.topic,
      key,
      timeMs: clock.now(),
      contentType: codec.contentType,
      headers: checkHeaders(options.headers),
      traceparent: trace.traceparent ?? cause?.traceparent ?? null,
      tracestate: trace.traceparent === null ? (cause?.tracestate ?? null) : trace.tracestate,
    };
  }

  #requireScope(type: EventTypeDescriptor): Scope {
    const scope = this.#parts.storage.ambient.current();
    if (scope === undefined) {
      throw new ExactlyOnceError(
        'EO_NO_TRANSACTION',
        `an event "${type.type}" was published outside of a transaction`,
        {
          details: { type: type.type },
        },
      );
    }
    return open(scope, type);
  }
}

/** `null` outside of handlers: nothing that could run again. */
function causeOf(invocation: Invocation | null, { causedBy }: PublishOptions): EventContext | null {
  if (invocation !== null) return invocation.cause(causedBy);
  if (causedBy === undefined) return null;
  const what = 'causedBy names the event of a handler, but this transaction is of none';
  throw new ExactlyOnceError('EO_OPTION_INVALID', what);
}

function nextId(
  invocation: Invocation | null,
  cause: EventContext | null,
  { type }: EventTypeDescriptor,
  key: string | null,
): string {
  if (invocation === null || cause === null) return newEventId();
  const { identity: handlerIdentity, generation } = invocation.handler;
  const { source, id, timeMs } = cause.event;
  const ordinal = invocation.nextOrdinal(cause, type, key);
  return derivedEventId({ handlerIdentity, generation, source, id, timeMs, type, key, ordinal });
}

/** Counts as running until the body is there: a handler that does not wait for it has failed. */
async function encoded(
  scope: Scope,
  type: EventTypeDescriptor,
  encoding: Promise<Uint8Array>,
): Promise<Uint8Array> {
  scope.pending++;
  try {
    const body = await encoding;
    open(scope, type);
    return body;
  } finally {
    scope.pending--;
  }
}

/** Throws EO_TRANSACTION_ENDED. */
function open(scope: Scope, type: EventTypeDescriptor): Scope {
  if (scope.open && scope.transaction.state === 'open') return scope;
  const error = new ExactlyOnceError(
    'EO_TRANSACTION_ENDED',
    `an event "${type.type}" was published too late`,
    {
      details: { type: type.type },
    },
  );
  scope.violation ??= error;
  throw error;
}
