/**
 * Calls a handler through Nest's own pipes, guards, interceptors and filters, and says what really happened.
 *
 * A filter may observe, or throw PermanentError or RetryAfterError; it never turns a failure into a commit.
 */
import { type EventContext, ExactlyOnceError, hasCode } from '@exactly-once/core';
import { isObservable, lastValueFrom } from 'rxjs';
import { type Capture, withCapture } from './error-capture.js';
import type { HandlerMark } from './handler-mark.js';
import { asValidationFailure, validatePayload } from './payload-validation.js';

/** What Nest registers with a server for a handler. */
export type NestCallback = (data: unknown, context: unknown) => Promise<unknown>;

/** Rejects with the handler's, pipe's or guard's own error. */
export async function callThroughNest(
  callback: NestCallback,
  mark: HandlerMark,
  validate: boolean,
  data: unknown,
  context: EventContext,
): Promise<void> {
  const payload = validate ? await validatePayload(data, mark.eventClass) : data;
  const capture: Capture = { completed: false, failure: null };
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
  if (capture.failure !== null) throw asValidationFailure(capture.failure.error);
  if (thrown !== null) throw asValidationFailure(thrown.error);
  if (!capture.completed) {
    throw new ExactlyOnceError(
      'EO_HANDLER_NOT_REACHED',
      `${context.handler} was not called with event ${context.id}`,
    );
  }
}

/** What a filter may say about the event's fate. */
function isDecision(error: unknown): boolean {
  return hasCode(error, 'EO_PERMANENT') || hasCode(error, 'EO_RETRY_AFTER');
}
