/**
 * Decides at start whether the declared handler names fit those that the database knows.
 *
 * A rename that nobody declared would run every event again; a typo would do the same.
 */
import { ExactlyOnceError } from '../errors/exactly-once-error.js';
import type { DeclaredHandler, KnownHandler } from './handler-store.js';

/** Throws EO_HANDLER_UNKNOWN_NAME for a name that is new or has vanished without a word. */
export function checkHandlerNames(
  declared: readonly DeclaredHandler[],
  retired: readonly string[],
  known: readonly KnownHandler[],
  inboxFilled: boolean,
): void {
  if (!inboxFilled) return;
  const explained = new Set([
    ...retired,
    ...declared.flatMap((one) => [one.name, one.renamedFrom ?? one.name]),
  ]);
  const vanished = known
    .filter(({ name, renamedFrom }) => !explained.has(name) && !explained.has(renamedFrom ?? name))
    .map(({ name }) => name);
  const unexplained = declared.filter((one) => !one.isNew && !isKnown(one, known)).map(({ name }) => name);
  if (vanished.length === 0 && unexplained.length === 0) return;
  const parts = [];
  if (unexplained.length > 0) parts.push(`new: ${unexplained.join(', ')}`);
  if (vanished.length > 0) parts.push(`vanished: ${vanished.join(', ')}`);
  throw new ExactlyOnceError('EO_HANDLER_UNKNOWN_NAME', `handler names changed (${parts.join('; ')})`, {
    details: { new: unexplained, vanished },
  });
}

function isKnown(declared: DeclaredHandler, known: readonly KnownHandler[]): boolean {
  return known.some(
    ({ name, renamedFrom }) =>
      name === declared.name || renamedFrom === declared.name || name === declared.renamedFrom,
  );
}
