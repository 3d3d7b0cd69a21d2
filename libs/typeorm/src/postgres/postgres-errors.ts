/**
 * Translates PostgreSQL's errors by SQLSTATE and the driver's by code, never by message text.
 */
import { ExactlyOnceError, isExactlyOnceError } from '@exactly-once/core';

/** Serialization failure, deadlock, lock not available. */
const collisions = new Set(['40001', '40P01', '55P03']);
/** Connection exceptions, shutdowns, idle time-outs, too many connections. */
const unavailable = /^(?:08...|57P0[1235]|25P03|25P04|53300)$/;

/** Aborted by an earlier error of the same transaction: never the culprit. */
export const abortedState = '25P02';

/** SQLSTATE of an error or of the one that caused it; `null` where the server did not answer. */
export function sqlState(error: unknown): string | null {
  for (const one of chain(error)) {
    const code = (one as { code?: unknown }).code;
    if (typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code)) return code;
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
  if (state !== null && collisions.has(state)) {
    return new ExactlyOnceError('EO_SERIALIZATION_FAILURE', `the database answered ${state}`, {
      cause: error,
    });
  }
  if (state !== null && unavailable.test(state)) {
    return new ExactlyOnceError('EO_STORAGE_UNAVAILABLE', `the database answered ${state}`, { cause: error });
  }
  if (state === abortedState) {
    return new ExactlyOnceError(
      'EO_TRANSACTION_ABORTED',
      'a statement met a transaction that was aborted before',
      {
        cause: error,
      },
    );
  }
  if (state === null && chain(error).some((one) => connectionLost.has(one))) {
    return new ExactlyOnceError('EO_STORAGE_UNAVAILABLE', 'the connection to the database is gone', {
      cause: error,
    });
  }
  return error;
}

/** Errors of our own connections, marked where they are met: a socket's code alone does not tell whose it was. */
const connectionLost = new WeakSet<object>();

/** To be called with an error of a connection that is known to be gone. Returns it. */
export function markConnectionLost<T>(error: T): T {
  if (typeof error === 'object' && error !== null && sqlState(error) === null) connectionLost.add(error);
  return error;
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
