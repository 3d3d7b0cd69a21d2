/**
 * A handler with its options settled and its row in the database: what the processor works with.
 */
import type { EventTypeDescriptor } from '../event/event-type.js';
import { type RetryPolicy, retryPolicy } from '../failure/failure-policy.js';
import type { KnownHandler } from '../inbox/handler-store.js';
import type { HandlerDefinition } from './handler.js';

export const defaultTimeoutMs = 30_000;

export interface RegisteredHandler {
  readonly known: KnownHandler;
  readonly commit: 'batch' | 'event';
  readonly timeoutMs: number;
  readonly retry: RetryPolicy;
  readonly descriptor: EventTypeDescriptor | null;
  readonly invoke: HandlerDefinition['invoke'];
  /** Where the transport has decoded the body already; else `null`: the codec does it. */
  readonly decoded: { readonly data: unknown } | null;
}

export function registerHandler(
  definition: HandlerDefinition,
  known: KnownHandler,
  descriptor: EventTypeDescriptor | null,
  retry: Partial<RetryPolicy>,
): RegisteredHandler {
  return {
    known,
    commit: definition.commit ?? 'batch',
    timeoutMs: definition.timeoutMs ?? defaultTimeoutMs,
    retry: retryPolicy(definition.retry ?? {}, retry),
    descriptor,
    invoke: definition.invoke,
    decoded: null,
  };
}
