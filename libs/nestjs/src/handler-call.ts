/**
 * Calls a handler through Nest's own pipes, guards, interceptors and filters, and says what really happened.
 *
 * A filter may observe, or throw PermanentError or RetryAfterError; it never turns a failure into a commit.
 */
import { type EventContext, ExactlyOnceError, hasCode } from '@exactly-once/core';
import { isObservable, lastValueFrom } from 'rxjs';
import { newCapture, withCapture } from './error-capture.js';
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
}

/** Rejects with the handler's, pipe's or guard's own error. */
export async function callThroughNest(call: NestCall, { handler, id }: EventContext): Promise<void> {
  const { callback, mark, payload, context } = call;
  const capture = newCapture(mark);
  let thrown: { readonly error: unknown } | null = null;
  try {
    await withCapture(capture, async () => {
      const result = await callback(payload, context);
      if (isObservable(result)) await lastValueFrom(result, { defaultValue: undefined });
    });
  } catch (error) {
    thrown = { error };
  }
  if (thrown !== null && isDecision(thrown.error)) throw thrown.error;
  if (capture.failure !== null) throw capture.failure.error;
  if (thrown !== null) throw thrown.error;
  if (capture.completed) return;
  const what = capture.entered ? 'had not ended when Nest was done with' : 'was not called with';
  throw new ExactlyOnceError('EO_HANDLER_NOT_REACHED', `${handler} ${what} event ${id}`);
}

/** What a filter may say about the event's fate. */
function isDecision(error: unknown): boolean {
  return hasCode(error, 'EO_PERMANENT') || hasCode(error, 'EO_RETRY_AFTER');
}
