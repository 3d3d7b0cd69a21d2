/**
 * Takes the events of a parked key through their handler again, in order, until none is left or one fails. Step 8 of an
 * event's life.
 *
 * Each in a transaction of its own, which holds the key's row: nothing else takes an event of the key meanwhile, and
 * what comes of it anew waits until that has ended. An event leaves with the commit of its effects, never before.
 */
import type { Delivery } from '../broker/delivery.js';
import { ExactlyOnceError, toError } from '../errors/exactly-once-error.js';
import { readEvent } from '../event/event-reader.js';
import type { ParkedEntry, ParkScope } from '../failure/park-store.js';
import type { Transaction } from '../storage/transaction.js';
import { preparedPayload } from './batch-payloads.js';
import { type HandlerDirectory, handlerUnit } from './batch-plan.js';
import { GroupInterrupt } from './call-end.js';
import { translated } from './group-handling.js';
import type { GroupPace } from './group-pace.js';
import type { GroupParts } from './group-request.js';
import { CallCutOff, callHandler } from './handler-call.js';
import type { Quarantine } from './quarantine.js';
import type { RegisteredHandler } from './registered-handler.js';

export interface ParkRetryParts {
  readonly group: GroupParts;
  readonly directory: HandlerDirectory;
  /** Of the groups that run beside it. */
  readonly pace: GroupPace;
  readonly quarantine: Quarantine;
  /** Aborts when no further event is to be begun. */
  readonly draining: AbortSignal;
  /** Aborts when the running one is to be rolled back. */
  readonly aborted: AbortSignal;
}

export interface ParkRetryResult {
  /** Events that were handled, and are parked no more. */
  readonly handled: number;
  /**
   * `free`: none is left, the key goes on. `busy`: somebody else had the key for seconds. `failed`: the first that
   * is left failed, and stays. `interrupted`: the process stops.
   */
  readonly end: 'free' | 'busy' | 'failed' | 'interrupted';
  /** Why it failed, else `null`. */
  readonly error: Error | null;
}

/** Milliseconds that a key is waited for which others hold, or to which they append. */
const busyPatienceMs = 5_000;
const busyLookMs = 20;

/** Throws EO_OPTION_INVALID where no handler of this process has that id. */
export async function retryParked(parts: ParkRetryParts, scope: ParkScope): Promise<ParkRetryResult> {
  const handlers = [...parts.directory.byType.values()].flat();
  const handler = handlers.find(({ known }) => known.id === scope.handlerId);
  if (handler === undefined) {
    throw new ExactlyOnceError(
      'EO_OPTION_INVALID',
      `no handler of this process has the id ${scope.handlerId}`,
    );
  }
  for (let handled = 0; ; handled++) {
    try {
      const end = await retryNext(parts, handler, scope);
      if (end !== 'handled') return { handled, end, error: null };
    } catch (error) {
      return { handled, end: 'failed', error: toError(error) };
    }
  }
}

/** Beside other groups, unless it has killed; a key that is busy is looked at again for a while. */
async function retryNext(
  parts: ParkRetryParts,
  handler: RegisteredHandler,
  scope: ParkScope,
): Promise<'handled' | 'free' | 'busy' | 'interrupted'> {
  const { clock } = parts.group;
  const untilMs = clock.now() + busyPatienceMs;
  let alone = false;
  for (;;) {
    const end = await inTurn(parts, handler, alone, () => retryFirst(parts, handler, scope, alone));
    if (end === 'has-killed') alone = true;
    else if (end !== 'busy' || clock.now() >= untilMs) return end;
    else await clock.sleep(busyLookMs, parts.draining);
  }
}

/** Like a group: one of so many transactions at a time, and nothing beside what may kill its process. */
async function inTurn<T>(
  { pace, quarantine, draining }: ParkRetryParts,
  handler: RegisteredHandler,
  alone: boolean,
  work: () => Promise<T>,
): Promise<T | 'interrupted'> {
  const leave = await pace.enter([handler], draining);
  try {
    const goOn = draining.aborted ? null : await quarantine.enter(alone, draining);
    if (goOn === null) return 'interrupted';
    return await work().finally(goOn);
  } finally {
    leave();
  }
}

/** `has-killed`: it is to be run alone; nothing was done. */
async function retryFirst(
  parts: ParkRetryParts,
  handler: RegisteredHandler,
  scope: ParkScope,
  alone: boolean,
): Promise<'handled' | 'free' | 'busy' | 'has-killed'> {
  const { storage, idleTimeoutMs, isolation, published } = parts.group;
  const statementTimeoutMs = Math.max(1_000, handler.timeoutMs);
  const transaction = await storage.begin({ idleTimeoutMs, statementTimeoutMs, isolation, shared: false });
  try {
    const entry = await storage.parked.take(transaction, scope);
    if (entry === null || entry === 'busy' || (entry.deaths > 0 && !alone)) {
      await transaction.rollback();
      return entry === null ? 'free' : entry === 'busy' ? entry : 'has-killed';
    }
    await call(parts, handler, transaction, entry);
    await storage.parked.settle(transaction, entry);
    const publishes = transaction.outgoing.length > 0;
    await transaction.seal();
    await transaction.commit();
    if (publishes) published();
    return 'handled';
  } catch (error) {
    await transaction.rollback();
    throw error instanceof CallCutOff ? error.reason : (transaction.fault ?? translated(storage, error));
  }
}

async function call(
  { group, directory, aborted }: ParkRetryParts,
  handler: RegisteredHandler,
  transaction: Transaction,
  entry: ParkedEntry,
): Promise<void> {
  const delivery: Delivery = entry;
  const event = readEvent(delivery, directory.mappings);
  const unit = { ...handlerUnit(0, delivery, event, handler), attempts: entry.attempts };
  const payloads = handler.batch && [await preparedPayload(group, unit, aborted)];
  const interrupt = new GroupInterrupt();
  const where = { transaction, savepoint: false, beside: false, interrupt };
  await interrupt.during(aborted, () =>
    callHandler(group, { handler, events: [{ unit, event }], payloads, ...where }),
  );
}
