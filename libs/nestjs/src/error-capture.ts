/**
 * Takes errors next to where they arise: Nest's RPC proxy turns any error into "Internal server error", and a
 * filter that catches can make it look like success. Step 5 of an event's life.
 *
 * Guards run before interceptors, so an interceptor alone would miss their errors. Nest asks each filter whether
 * an exception is one of its types: ours records what it is asked about, answers no, and the user's filters go on.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { Catch, type ExceptionFilter } from '@nestjs/common';

/** What was seen of one call through Nest. */
export interface Capture {
  /** The handler was called and settled without an error. */
  completed: boolean;
  /** First error that was thrown; `null` where there was none. */
  failure: { readonly error: unknown } | null;
}

const captures = new AsyncLocalStorage<Capture>();

export function withCapture<T>(capture: Capture, work: () => T): T {
  return captures.run(capture, work);
}

export function currentCapture(): Capture | undefined {
  return captures.getStore();
}

export function captureError(error: unknown): void {
  const capture = captures.getStore();
  if (capture !== undefined) capture.failure ??= { error };
}

class Probe {
  static [Symbol.hasInstance](error: unknown): boolean {
    captureError(error);
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
