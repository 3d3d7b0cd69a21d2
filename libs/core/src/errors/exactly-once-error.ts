/**
 * The one class of the framework's errors. The message says what happened, what it means for the event and
 * what to do; the last two come from the table.
 *
 * Branded by `Symbol.for`, so that two copies of this package recognise each other's errors.
 */
import { isNativeError } from 'node:util/types';
import { type ErrorCode, type EventOutcome, errorTable } from './error-table.js';
import { withoutSecrets } from './without-secrets.js';

const brand = Symbol.for('@exactly-once/error');

export interface ErrorExtras {
  /** Facts for programs. Never a payload, never a secret of the configuration. */
  readonly details?: Readonly<Record<string, unknown>>;
  readonly cause?: unknown;
}

export class ExactlyOnceError extends Error {
  readonly code: ErrorCode;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(code: ErrorCode, what: string, extras: ErrorExtras = {}) {
    const { meaning, remedy } = errorTable[code];
    super(`${code}: ${what}. Meaning: ${meaning}. Remedy: ${remedy}.`, { cause: extras.cause });
    this.name = 'ExactlyOnceError';
    this.code = code;
    this.details = extras.details ?? {};
    Object.defineProperty(this, brand, { value: true });
  }

  /** What becomes of an event that met this error. */
  get outcome(): EventOutcome {
    return errorTable[this.code].outcome;
  }
}

export function isExactlyOnceError(error: unknown): error is ExactlyOnceError {
  return typeof error === 'object' && error !== null && brand in error;
}

/** Under which an event's failure is kept: any error of a handler's own is EO_HANDLER_FAILED. */
export function failureCode(error: unknown): ErrorCode {
  return isExactlyOnceError(error) ? error.code : 'EO_HANDLER_FAILED';
}

/** True for an ExactlyOnceError of this code. */
export function hasCode(error: unknown, code: ErrorCode): boolean {
  return isExactlyOnceError(error) && error.code === code;
}

/** Thrown by a handler, pipe, guard or filter: the event is hopeless and is dead-lettered at once. */
export class PermanentError extends ExactlyOnceError {
  constructor(what: string, extras: ErrorExtras = {}) {
    super('EO_PERMANENT', what, extras);
    this.name = 'PermanentError';
  }
}

/**
 * Thrown by a handler: try again after `delayMs` milliseconds. Counts as an attempt; the events behind it wait. Its
 * constructor throws EO_OPTION_INVALID unless that is a finite number from 0.
 */
export class RetryAfterError extends ExactlyOnceError {
  readonly delayMs: number;

  constructor(delayMs: number, what = `try again in ${delayMs} ms`, extras: ErrorExtras = {}) {
    if (!isDelay(delayMs)) {
      const refused = `RetryAfterError was given ${String(delayMs)} ms to wait`;
      throw new ExactlyOnceError('EO_OPTION_INVALID', refused);
    }
    super('EO_RETRY_AFTER', what, { ...extras, details: { ...extras.details, delayMs } });
    this.name = 'RetryAfterError';
    this.delayMs = delayMs;
  }
}

/** True for a number of milliseconds that can be waited for. */
export function isDelay(delayMs: unknown): delayMs is number {
  return typeof delayMs === 'number' && Number.isFinite(delayMs) && delayMs >= 0;
}

/**
 * Whatever was thrown, as an error: a handler may throw anything, also `null` and what cannot even be shown. Never
 * throws.
 */
export function toError(thrown: unknown): Error {
  if (isError(thrown)) return thrown;
  return new ExactlyOnceError('EO_HANDLER_FAILED', `what was thrown is no error: ${inWords(thrown).text}`);
}

/** Messages of an error and its causes, outermost first, at most ten; without passwords. Never throws. */
export function errorChain(error: unknown): string[] {
  const chain: string[] = [];
  let current: unknown = error;
  do {
    const { text, cause } = inWords(current);
    chain.push(withoutSecrets(text));
    current = cause;
  } while (current !== undefined && current !== null && chain.length < 10);
  return chain;
}

function inWords(thrown: unknown): { text: string; cause: unknown } {
  try {
    if (!isError(thrown)) return { text: String(thrown), cause: null };
    return { text: `${thrown.name}: ${thrown.message}`, cause: thrown.cause };
  } catch {
    return { text: 'something that cannot be put into words', cause: null };
  }
}

/** Of this realm or another. False for a proxy that cannot be asked. */
function isError(thrown: unknown): thrown is Error {
  try {
    return isNativeError(thrown) || thrown instanceof Error;
  } catch {
    return false;
  }
}
