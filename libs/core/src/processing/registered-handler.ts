/**
 * A handler with its options settled and its row in the database: what the processor works with.
 */
import { ExactlyOnceError } from '../errors/exactly-once-error.js';
import type { EventTypeDescriptor } from '../event/event-type.js';
import { type RetryPolicy, retryPolicy } from '../failure/failure-policy.js';
import type { KnownHandler } from '../inbox/handler-store.js';
import type { EventOrder, HandlerDefinition, InvokeBatch, InvokeHandler } from './handler.js';

export const defaultTimeoutMs = 30_000;

export interface RegisteredBatch {
  /** Most events of one call. */
  readonly size: number;
  readonly prepare: (data: unknown) => unknown;
  readonly invoke: InvokeBatch;
}

export interface RegisteredHandler {
  readonly known: KnownHandler;
  readonly commit: 'batch' | 'event';
  readonly dedup: 'inbox' | 'offset';
  readonly order: EventOrder;
  readonly timeoutMs: number;
  /** Lanes. */
  readonly concurrency: number;
  readonly retry: RetryPolicy;
  readonly descriptor: EventTypeDescriptor | null;
  readonly invoke: InvokeHandler;
  /** `null` where it takes one event a call. */
  readonly batch: RegisteredBatch | null;
  /** Where the transport has decoded the body already; else `null`: the codec does it. */
  readonly decoded: { readonly data: unknown } | null;
}

export function registerHandler(
  definition: HandlerDefinition,
  known: KnownHandler,
  descriptor: EventTypeDescriptor | null,
  above: { readonly retry?: Partial<RetryPolicy>; readonly order?: EventOrder },
): RegisteredHandler {
  return {
    known,
    commit: definition.commit ?? 'batch',
    dedup: definition.dedup ?? 'inbox',
    order: definition.order ?? above.order ?? 'key',
    timeoutMs: definition.timeoutMs ?? defaultTimeoutMs,
    concurrency: definition.concurrency ?? 1,
    retry: retryPolicy(definition.retry ?? {}, above.retry ?? {}),
    descriptor,
    invoke: definition.invoke ?? notCalled,
    batch: registeredBatch(definition),
    decoded: null,
  };
}

function registeredBatch({ batch, invokeBatch, prepare }: HandlerDefinition): RegisteredBatch | null {
  if (batch === undefined || invokeBatch === undefined) return null;
  return { size: batch, invoke: invokeBatch, prepare: prepare ?? ((data) => data) };
}

/** Batch handlers are called as such, and those of other transports from there. */
async function notCalled(): Promise<never> {
  throw new ExactlyOnceError('EO_INTERNAL', 'a handler without a function was called');
}
