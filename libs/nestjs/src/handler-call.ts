/**
 * Calls a handler through Nest's own pipes, guards, interceptors and filters, and says what really happened.
 *
 * A filter may observe, or throw PermanentError or RetryAfterError; it never turns a failure into a commit.
 */
import { type EventContext, ExactlyOnceError, hasCode } from '@exactly-once/core';
import { isObservable, lastValueFrom } from 'rxjs';
import { type Capture, newCapture, withCapture } from './error-capture.js';
import type { HandlerMark } from './handler-mark.js';

/** What Nest registers with a server for a handler. */
export type NestCallback = (data: unknown, context: unknown) => Promise<unknown>;

export interface NestCall {
  readonly callback: NestCallback;
  readonly mark: HandlerMark;
  /** What `@Payload()` gives: an array where the handler takes batches. */
  readonly payload: unknown;
  /** What `@Ctx()` gives: an array, too, one for each event. */
  readonly context: unknown;
  /** See `Capture`. Default: none is. */
  readonly isConsequence?: Capture['isConsequence'];
}

/** Rejects with the handler's, pipe's or guard's own error. */
export function callThroughNest(call: NestCall, { handler, id }: EventContext): Promise<void> {
  const capture = newCapture(call.mark, call.isConsequence ?? (() => false));
  return withCapture(capture, () => reach(call, capture, `event ${id}`, handler));
}

async function reach(call: NestCall, capture: Capture, event: string, handler: string): Promise<void> {
  const { callback, payload, context } = call;
  try {
    const result = await callback(payload, context);
    if (isObservable(result)) await lastValueFrom(result, { defaultValue: undefined });
  } catch (error) {
    if (isDecision(error) || capture.failure === null) throw error;
  }
  if (capture.failure !== null) throw capture.failure.error;
  if (capture.completed) return;
  const what = capture.entered ? 'had not ended when Nest was done with' : 'was not called with';
  throw new ExactlyOnceError('EO_HANDLER_NOT_REACHED', `${handler} ${what} ${event}`);
}

/** What a filter may say about the event's fate. */
function isDecision(error: unknown): boolean {
  return hasCode(error, 'EO_PERMANENT') || hasCode(error, 'EO_RETRY_AFTER');
}
