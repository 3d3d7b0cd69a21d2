/**
 * Decides what becomes of an event that failed. Step 8 of an event's life. Pure: it decides, the processor acts.
 */
import { hasCode, isDelay, isExactlyOnceError, type RetryAfterError } from '../errors/exactly-once-error.js';

export interface RetryPolicy {
  /** Calls of the handler before the event is dead-lettered. From 1. Default 5. */
  readonly attempts: number;
  /** Upper bound of the first wait in milliseconds, at most `maxBackoffMs`; doubles with each attempt. Default 100. */
  readonly backoffMs: number;
  /** Upper bound of any wait in milliseconds. Default 30,000. */
  readonly maxBackoffMs: number;
}

export const defaultRetryPolicy: RetryPolicy = { attempts: 5, backoffMs: 100, maxBackoffMs: 30_000 };

/** The first policy that says something decides, field by field; the defaults decide the rest. */
export function retryPolicy(...given: readonly Partial<RetryPolicy>[]): RetryPolicy {
  const said = (field: keyof RetryPolicy) =>
    given.map((one) => one[field]).find((value) => value !== undefined) ?? defaultRetryPolicy[field];
  return {
    attempts: said('attempts'),
    backoffMs: said('backoffMs'),
    maxBackoffMs: said('maxBackoffMs'),
  };
}

export type Disposition =
  /** Again after `delayMs`. `counted`: it was the event's fault. */
  | { readonly action: 'retry'; readonly delayMs: number; readonly counted: boolean }
  | { readonly action: 'dead-letter' }
  | { readonly action: 'stop' };

export interface Failure {
  readonly error: unknown;
  /** Calls of the handler that failed by the event's fault, this one included. */
  readonly attempts: number;
  /** Failures in a row that were not the event's fault. */
  readonly uncounted: number;
  readonly policy: RetryPolicy;
}

/** `random`: from 0 to below 1, for full jitter (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/). */
export function decide(failure: Failure, random: () => number): Disposition {
  const { error, attempts, uncounted, policy } = failure;
  const outcome = isExactlyOnceError(error) ? error.outcome : 'count';
  if (outcome === 'dead-letter') return { action: 'dead-letter' };
  if (outcome === 'stop') return { action: 'stop' };
  if (outcome === 'retry') {
    return { action: 'retry', delayMs: backoffMs(policy, uncounted, random), counted: false };
  }
  if (attempts >= policy.attempts) return { action: 'dead-letter' };
  const delayMs = isRetryAfter(error) ? error.delayMs : backoffMs(policy, attempts, random);
  return { action: 'retry', delayMs, counted: true };
}

/** Milliseconds to wait after the given number of failures in a row. */
export function backoffMs(policy: RetryPolicy, failures: number, random: () => number): number {
  const ceiling = Math.min(policy.maxBackoffMs, policy.backoffMs * 2 ** Math.min(failures - 1, 30));
  return Math.floor(random() * ceiling);
}

function isRetryAfter(error: unknown): error is RetryAfterError {
  return hasCode(error, 'EO_RETRY_AFTER') && isDelay((error as RetryAfterError).delayMs);
}
