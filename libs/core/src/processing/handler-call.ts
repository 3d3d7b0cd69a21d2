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
import { isThenable } from '../thenable.js';
import { CallEnd, type GroupInterrupt } from './call-end.js';
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
  readonly interrupt: GroupInterrupt;
  /** Its transaction is rolled back whatever comes of it. */
  readonly dryRun?: boolean;
}

/** Resolves when the handler succeeded; rejects with CallCutOff, the transaction's fault, or the handler's error. */
export async function callHandler(parts: CallParts, request: CallRequest): Promise<void> {
  const { handler, events } = request;
  const startedAtMs = parts.clock.now();
  const attributes = { handler: handler.known.name, type: events[0]!.event.type };
  const links = events.map(({ event }) => event);
  try {
    await parts.telemetry.span('process', { attributes, links }, () => cutOff(parts, request));
  } finally {
    parts.telemetry.record('exactly_once.handler_time', parts.clock.now() - startedAtMs, attributes);
    if (handler.batch !== null)
      parts.telemetry.record('exactly_once.handler_batch_size', events.length, attributes);
  }
}

/** The deadline stands outside of the savepoint: rolling back to it would wait for what is running. */
function cutOff(parts: CallParts, request: CallRequest): Promise<void> {
  const { handler, interrupt, transaction } = request;
  return new Promise((resolve, reject) => {
    const call = new Call(parts, request);
    const end = (reason: ExactlyOnceError) => {
      call.end.end(reason);
      over();
      reject(new CallCutOff(reason));
    };
    const stopTimer = parts.clock.timer(handler.timeoutMs, () => end(timeoutError(request)));
    const onInterrupt = () =>
      end(new ExactlyOnceError('EO_SHUTTING_DOWN', `${label(request)} was interrupted`));
    const over = () => {
      call.close();
      stopTimer();
      interrupt.remove(onInterrupt);
    };
    interrupt.add(onInterrupt);
    const running = request.savepoint ? transaction.savepoint(() => call.run()) : call.run();
    running.then(
      () => {
        over();
        resolve();
      },
      (error: unknown) => {
        over();
        reject(error);
      },
    );
  });
}

/** One run of the handler in a scope of its own. */
class Call {
  readonly end = new CallEnd();
  readonly #parts: CallParts;
  readonly #request: CallRequest;
  #scope: Scope | null = null;

  constructor(parts: CallParts, request: CallRequest) {
    this.#parts = parts;
    this.#request = request;
  }

  async run(): Promise<void> {
    const { beside, transaction, handler, payloads } = this.#request;
    try {
      this.#assertGoesOn();
      const contexts = contextsOf(this.#request, this.end);
      const scope = openScope(transaction, new Invocation(handler.known, contexts, handler.batch !== null));
      this.#scope = scope;
      const decoded = payloads === null ? payloadOf(this.#parts, this.#request) : null;
      const given = payloads ?? [isThenable(decoded) ? await decoded : decoded];
      this.#assertGoesOn();
      try {
        await this.#parts.storage.ambient.run(scope, () => invoke(handler, given, contexts));
      } finally {
        endScope(scope);
      }
      assertClean(scope, handler);
      if (!beside && transaction.aborted !== null) throw transaction.aborted;
    } catch (thrown) {
      // Looked at here, before a savepoint is rolled back to: it ended the transaction, whatever the handler threw.
      throw transaction.fault ?? toError(thrown);
    }
  }

  /** What it still tries to write is refused. May be called again. */
  close(): void {
    if (this.#scope !== null) endScope(this.#scope);
  }

  #assertGoesOn(): void {
    if (this.end.reason !== null) throw this.end.reason;
  }
}

function invoke(
  { batch, invoke: single }: RegisteredHandler,
  payloads: readonly unknown[],
  contexts: readonly EventContext[],
): Promise<void> {
  return batch === null ? single(payloads[0], contexts[0]!) : batch.invoke(payloads, contexts);
}

/** Throws what the scope was misused for, or EO_TRANSACTION_ENDED where statements of it still run. */
function assertClean({ violation, pending }: Scope, { known: { name } }: RegisteredHandler): void {
  if (violation !== null) throw violation;
  if (pending === 0) return;
  throw new ExactlyOnceError(
    'EO_TRANSACTION_ENDED',
    `handler ${name} returned while ${pending} of its statements were still running`,
    { details: { handler: name, pending } },
  );
}

function payloadOf({ codec }: CallParts, { handler, events }: CallRequest): unknown {
  const { decoded, descriptor } = handler;
  return decoded === null ? decodeBody(events[0]!.event, codec, descriptor) : decoded.data;
}

function contextsOf({ handler, events, dryRun }: CallRequest, end: CallEnd): EventContext[] {
  return events.map(({ unit, event }) => {
    const key = Buffer.from(unit.key.buffer, unit.key.byteOffset + 8, 16).toString('hex');
    return new EventContext(event, unit.delivery, handler.known.name, unit.attempts + 1, key, end, dryRun);
  });
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
