/**
 * Takes errors next to where they arise: Nest's RPC proxy turns any error into "Internal server error", and an
 * interceptor or filter that catches can make it look like success. Step 5 of an event's life.
 *
 * Guards run before interceptors, so an interceptor alone would miss their errors. Nest asks each filter whether
 * an exception is one of its types: ours is asked first, records it, answers no, and the user's filters go on.
 */
import { AmbientValue } from '@exactly-once/core';
import { Catch, type ExceptionFilter, IntrinsicException } from '@nestjs/common';
import type { HandlerMark } from './handler-mark.js';

/** What was seen of one call through Nest. */
export interface Capture {
  /** Of the handler that was to be called; what others do that it calls, or that extend it, does not count. */
  readonly mark: HandlerMark;
  /** The handler was called. What failed before is a guard's, an interceptor's or a pipe's. */
  entered: boolean;
  /** The handler was called and settled without an error. */
  completed: boolean;
  /** First error that was thrown; `null` where there was none. */
  failure: { readonly error: unknown } | null;
  /** True for an error that only says that an earlier one has aborted its transaction. */
  readonly isConsequence: (error: unknown) => boolean;
}

const captures = new AmbientValue<Capture>();

export function newCapture(mark: HandlerMark, isConsequence: Capture['isConsequence']): Capture {
  return { mark, entered: false, completed: false, failure: null, isConsequence };
}

/**
 * What Nest sees in place of an error that is only the consequence of another: one that it does not log. Of fifty lanes
 * that met one deadlock, forty-nine have nothing to say; the deadlock itself is logged.
 */
export class AbortedByEarlierError extends IntrinsicException {
  constructor(cause: unknown) {
    super('an earlier error has aborted the transaction', { cause });
  }
}

export function withCapture<T>(capture: Capture, work: () => T): T {
  return captures.run(capture, work);
}

export function currentCapture(): Capture | undefined {
  return captures.current();
}

class Probe {
  static [Symbol.hasInstance](error: unknown): boolean {
    const capture = currentCapture();
    if (capture !== undefined) capture.failure ??= { error };
    return false;
  }
}

@Catch(Probe)
export class ErrorProbeFilter implements ExceptionFilter {
  /** Never called: no exception is a Probe. */
  catch(error: unknown): never {
    throw error;
  }
}
