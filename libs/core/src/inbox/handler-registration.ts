/**
 * Decides at start whether the declared handler names fit those that the database knows.
 *
 * A rename that nobody declared would run every event again; a typo would do the same.
 */
import { ExactlyOnceError } from '../errors/exactly-once-error.js';
import type { ParkStore } from '../failure/park-store.js';
import type { DeclaredHandler, KnownHandler } from './handler-store.js';

interface Retirement {
  readonly storage: { readonly parked: Pick<ParkStore, 'count'> };
  readonly hasDatabase: boolean;
  readonly retiredHandlers?: readonly string[];
}

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

/** Throws EO_OPTION_INVALID: nobody would handle what is parked, and its keys would stay parked for ever. */
export async function checkRetired({
  storage,
  hasDatabase,
  retiredHandlers = [],
}: Retirement): Promise<void> {
  if (!hasDatabase || retiredHandlers.length === 0) return;
  const events = await storage.parked.count({ handlers: retiredHandlers });
  if (events === 0) return;
  const what = `${events} events of retired handlers (${retiredHandlers.join(', ')}) are parked`;
  const remedy = 'take the handler back until they are handled or dead-lettered, then retire it';
  throw new ExactlyOnceError('EO_OPTION_INVALID', `${what}: ${remedy}`, { details: { events } });
}

function isKnown(declared: DeclaredHandler, known: readonly KnownHandler[]): boolean {
  return known.some(
    ({ name, renamedFrom }) =>
      name === declared.name || renamedFrom === declared.name || name === declared.renamedFrom,
  );
}
