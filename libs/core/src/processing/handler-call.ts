/**
 * Calls one handler for its event, or for those of a batch, inside the transaction, within its time. Step 5 of an
 * event's life.
 *
 * A call that is over, in whatever way, has no transaction any more: what it still tries to write is refused.
 * A handler that returned while statements of its own were still running has failed: they were not awaited. So has
 * one that swallowed an SQL error: it leaves a transaction in which its neighbours would fail.
 */
import type { Clock } from '../clock.js';
import { ExactlyOnceError, toError } from '../errors/exactly-once-error.js';
import { decodeBody } from '../event/event-body.js';
import type { EventCodec } from '../event/event-codec.js';
import type { EventEnvelope } from '../event/event-envelope.js';
import { endScope, openScope, type Scope } from '../storage/ambient-scope.js';
import type { Storage } from '../storage/storage.js';
import type { Transaction } from '../storage/transaction.js';
import type { Telemetry } from '../telemetry/telemetry.js';
import { EventContext } from './event-context.js';
import type { HandlerUnit } from './handler-unit.js';
import { Invocation } from './invocation.js';
import type { RegisteredHandler } from './registered-handler.js';

export interface CallParts {
  readonly storage: Storage;
  readonly codec: EventCodec;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
}

/** The call did not come to an end by itself: its transaction is unusable, for the neighbours too. */
export class CallCutOff extends Error {
  constructor(readonly reason: ExactlyOnceError) {
    super(reason.message, { cause: reason });
    this.name = 'CallCutOff';
  }
}

/** What a call is about. */
export interface CalledEvent {
  readonly unit: HandlerUnit;
  readonly event: EventEnvelope;
}

export interface CallRequest {
  readonly handler: RegisteredHandler;
  /** One, or those of a batch in order; at least one. */
  readonly events: readonly CalledEvent[];
  /** What a batch handler gets, one for each event; `null` where the body is decoded within the call. */
  readonly payloads: readonly unknown[] | null;
  readonly transaction: Transaction;
  /** Behind a savepoint, so that only this event is undone where it fails. */
  readonly savepoint: boolean;
  /** Beside others of its transaction: whether that was aborted, and by whom, is found out when all have ended. */
  readonly beside: boolean;
  /** Ends the call, like its time. */
  readonly aborted: AbortSignal;
}

/** Resolves when the handler succeeded; rejects with CallCutOff, the transaction's fault, or the handler's error. */
export async function callHandler(parts: CallParts, request: CallRequest): Promise<void> {
  const { handler, transaction, events } = request;
  const startedAtMs = parts.clock.now();
  const attributes = { handler: handler.known.name, type: events[0]!.event.type };
  const links = events.map(({ event }) => event);
  const work = () => {
    if (request.savepoint) return cutOff(parts, request, (call) => transaction.savepoint(call));
    return cutOff(parts, request, (call) => call());
  };
  try {
    await parts.telemetry.span('process', { attributes, links }, work);
  } finally {
    parts.telemetry.record('exactly_once.handler_time', parts.clock.now() - startedAtMs, attributes);
    if (handler.batch !== null)
      parts.telemetry.record('exactly_once.handler_batch_size', events.length, attributes);
  }
}

/** The deadline stands outside of the savepoint: rolling back to it would wait for what is running. */
async function cutOff(
  parts: CallParts,
  request: CallRequest,
  around: (call: () => Promise<void>) => Promise<void>,
): Promise<void> {
  const { handler, aborted } = request;
  const controller = new AbortController();
  let cut: (error: CallCutOff) => void = () => {};
  const deadline = new Promise<never>((_, reject) => {
    cut = reject;
  });
  const end = (reason: ExactlyOnceError) => {
    controller.abort(reason);
    cut(new CallCutOff(reason));
  };
  const onAbort = () => end(new ExactlyOnceError('EO_SHUTTING_DOWN', `${label(request)} was interrupted`));
  const stopTimer = parts.clock.timer(handler.timeoutMs, () => end(timeoutError(request)));
  aborted.addEventListener('abort', onAbort, { once: true });
  if (aborted.aborted) onAbort();
  let scope: Scope | null = null;
  const call = async () => {
    try {
      controller.signal.throwIfAborted();
      scope = openScope(request.transaction, invocationOf(request, controller.signal));
      await runInScope(parts, request, scope);
      if (!request.beside && request.transaction.aborted !== null) throw request.transaction.aborted;
    } catch (thrown) {
      // Looked at here, before a savepoint is rolled back to: it ended the transaction, whatever the handler threw.
      throw request.transaction.fault ?? toError(thrown);
    }
  };
  try {
    await Promise.race([around(call), deadline]);
  } finally {
    closeScope(scope);
    stopTimer();
    aborted.removeEventListener('abort', onAbort);
  }
}

async function runInScope(parts: CallParts, request: CallRequest, scope: Scope): Promise<void> {
  const { handler } = request;
  const { contexts } = scope.invocation!;
  const [context] = contexts as [EventContext];
  const payloads = request.payloads ?? [await payloadOf(parts, request)];
  context.signal.throwIfAborted();
  const { batch } = handler;
  const invoke = () =>
    batch === null ? handler.invoke(payloads[0], context) : batch.invoke(payloads, contexts);
  try {
    await parts.storage.ambient.run(scope, invoke);
  } finally {
    endScope(scope);
  }
  if (scope.violation !== null) throw scope.violation;
  if (scope.pending > 0) {
    throw new ExactlyOnceError(
      'EO_TRANSACTION_ENDED',
      `handler ${handler.known.name} returned while ${scope.pending} of its statements were still running`,
      { details: { handler: handler.known.name, pending: scope.pending } },
    );
  }
}

async function payloadOf({ codec }: CallParts, { handler, events }: CallRequest): Promise<unknown> {
  const { decoded, descriptor } = handler;
  return decoded === null ? decodeBody(events[0]!.event, codec, descriptor) : decoded.data;
}

function closeScope(scope: Scope | null): void {
  if (scope !== null) endScope(scope);
}

function invocationOf(request: CallRequest, signal: AbortSignal): Invocation {
  const { handler, events } = request;
  const contexts = events.map(({ unit, event }) => {
    const key = Buffer.from(unit.key.buffer, unit.key.byteOffset + 8, 16).toString('hex');
    return new EventContext(event, unit.delivery, handler.known.name, unit.attempts + 1, key, signal);
  });
  return new Invocation(handler.known, contexts, handler.batch !== null);
}

function label({ events }: CallRequest): string {
  const { id } = events[0]!.event;
  return events.length === 1 ? `event ${id}` : `a batch of ${events.length} from event ${id}`;
}

function timeoutError(request: CallRequest): ExactlyOnceError {
  const { handler } = request;
  const what = `handler ${handler.known.name} ran longer than ${handler.timeoutMs} ms with ${label(request)}`;
  return new ExactlyOnceError('EO_HANDLER_TIMEOUT', what, { details: { timeoutMs: handler.timeoutMs } });
}
