/**
 * Translates PostgreSQL's errors by SQLSTATE and the driver's by what is known of its connection.
 *
 * Never by message text, and never an error of somebody else's connection.
 */
import { ExactlyOnceError, hasCode, isExactlyOnceError } from '@exactly-once/core';

/** Serialization failure, deadlock, lock not available. */
const collisions = new Set(['40001', '40P01', '55P03']);
/**
 * Connection exceptions, out of resources, failures of the system below, shutdowns, time-outs of idle sessions,
 * and a server that only reads (a fail-over is under way).
 */
const unavailable = /^(?:08...|53...|58...|57P0[1235]|25P03|25P04|25006)$/;

/** Aborted by an earlier error of the same transaction: never the culprit. */
export const abortedState = '25P02';

/** Errors of our own connections, marked where they are met: a socket's code alone does not tell whose it was. */
const connectionLost = new WeakMap<object, unknown>();
/** What had aborted the transaction that an error of state 25P02 met. */
const abortedBy = new WeakMap<object, unknown>();

/** SQLSTATE of an error or of the one that caused it; `null` where the server did not answer. */
export function sqlState(error: unknown): string | null {
  for (const one of chain(error)) {
    const { code, severity } = one as { code?: unknown; severity?: unknown };
    // Codes of the operating system, as EPIPE, may look like one; only a server's answer has a severity.
    if (typeof code === 'string' && typeof severity === 'string' && /^[0-9A-Z]{5}$/.test(code)) return code;
  }
  return null;
}

/**
 * EO_STORAGE_UNAVAILABLE, EO_SERIALIZATION_FAILURE or EO_TRANSACTION_ABORTED where the error, or a cause of it,
 * is one of this database; any other error as it is.
 */
export function translateError(error: unknown): unknown {
  if (isExactlyOnceError(error)) return error;
  const state = sqlState(error);
  const cause = error;
  if (state !== null && collisions.has(state)) {
    return new ExactlyOnceError('EO_SERIALIZATION_FAILURE', `the database answered ${state}`, { cause });
  }
  if (state !== null && unavailable.test(state)) {
    return new ExactlyOnceError('EO_STORAGE_UNAVAILABLE', `the database answered ${state}`, { cause });
  }
  if (state === abortedState) {
    const what = 'a statement met a transaction that an earlier SQL error had aborted';
    const first = chain(error).find((one) => abortedBy.has(one));
    return new ExactlyOnceError('EO_TRANSACTION_ABORTED', what, {
      cause: first === undefined ? cause : abortedBy.get(first),
    });
  }
  const lost = state === null ? chain(error).find((one) => connectionLost.has(one)) : undefined;
  if (lost === undefined) return error;
  const what = 'the connection to the database is gone';
  return new ExactlyOnceError('EO_STORAGE_UNAVAILABLE', what, { cause: connectionLost.get(lost) ?? cause });
}

/** The same for a statement of the framework's own: that it did not get its turn is no event's fault. */
export function translateOwnError(error: unknown): unknown {
  const translated = translateError(error);
  if (!hasCode(translated, 'EO_DATABASE_BUSY')) return translated;
  const what = 'another transaction held the embedded database';
  return new ExactlyOnceError('EO_STORAGE_UNAVAILABLE', what, { cause: translated });
}

/** To be called with an error of a connection that is known to be gone, and what ended it. Returns the error. */
export function markConnectionLost<T>(error: T, reason: unknown = null): T {
  if (typeof error === 'object' && error !== null && sqlState(error) === null) {
    connectionLost.set(error, reason);
  }
  return error;
}

/** To be called with an error of state 25P02 and the error that came before it. */
export function markAborted(error: unknown, first: unknown): void {
  if (typeof error === 'object' && error !== null && first !== null) abortedBy.set(error, first);
}

function chain(error: unknown): object[] {
  const found: object[] = [];
  let current: unknown = error;
  while (typeof current === 'object' && current !== null && found.length < 10) {
    found.push(current);
    const { cause, driverError } = current as { cause?: unknown; driverError?: unknown };
    current = driverError ?? cause;
  }
  return found;
}
