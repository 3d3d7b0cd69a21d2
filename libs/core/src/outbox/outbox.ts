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
import type { AmbientScope, Scope } from '../storage/ambient-scope.js';
import type { OutboxEntry } from '../storage/transaction.js';
import type { Telemetry } from '../telemetry/telemetry.js';
import { checkHeaders, checkKey, checkPublishOptions, type PublishOptions } from './publish-options.js';

export interface OutboxParts {
  readonly ambient: AmbientScope;
  readonly codec: EventCodec;
  readonly telemetry: Telemetry;
  readonly clock: Clock;
  readonly source: string;
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
    const scope = this.#requireScope(type);
    checkPublishOptions(options);
    const key = options.key !== undefined ? options.key : (type.key?.(data) ?? null);
    checkKey(key);
    const envelope = this.#envelope(scope, type, key, options);
    const entry: OutboxEntry = { event: null, deliverAtMs: options.deliverAt?.getTime() ?? null, scope };
    const body = this.#parts.codec.encode(data, type.type);
    scope.transaction.outgoing.push(entry);
    if ('then' in body) entry.event = { ...envelope, body: await encoded(scope, type, body) };
    else entry.event = { ...envelope, body };
    return entry.event;
  }

  #envelope(
    scope: Scope,
    type: EventTypeDescriptor,
    key: string | null,
    options: PublishOptions,
  ): Omit<EventEnvelope, 'body'> {
    const { codec, telemetry, clock, source } = this.#parts;
    const context = causeOf(scope, options);
    const id = options.id ?? nextId(scope, context, type, key);
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
    const scope = this.#parts.ambient.current();
    if (scope === undefined) {
      throw new ExactlyOnceError(
        'EO_NO_TRANSACTION',
        `an event "${type.type}" was published outside of a transaction`,
        {
          details: { type: type.type },
        },
      );
    }
    assertOpen(scope, type);
    return scope;
  }
}

/** `null` outside of handlers: nothing that could run again. */
function causeOf({ invocation }: Scope, { causedBy }: PublishOptions): EventContext | null {
  if (invocation !== null) return invocation.cause(causedBy);
  if (causedBy === undefined) return null;
  const what = 'causedBy names the event of a handler, but this transaction is of none';
  throw new ExactlyOnceError('EO_OPTION_INVALID', what);
}

function nextId(
  { invocation }: Scope,
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
    assertOpen(scope, type);
    return body;
  } finally {
    scope.pending--;
  }
}

function assertOpen(scope: Scope, type: EventTypeDescriptor): void {
  if (scope.open && scope.transaction.state === 'open') return;
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
