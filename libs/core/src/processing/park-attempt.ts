/**
 * One attempt at the first event of a parked key, in a transaction of its own. Step 8 of an event's life.
 *
 * The transaction holds the key's row: nothing else takes an event of the key meanwhile. The event leaves with the commit
 * of its effects, never before; a failure changes nothing, and what becomes of it is recorded by who asked.
 */
import { hasCode, toError } from '../errors/exactly-once-error.js';
import type { ParkedEntry, ParkScope } from '../failure/park-store.js';
import { unitOfParked } from '../failure/park-writer.js';
import type { Transaction } from '../storage/transaction.js';
import { preparedPayload } from './batch-payloads.js';
import type { HandlerDirectory } from './batch-plan.js';
import { GroupInterrupt } from './call-end.js';
import { translated } from './group-handling.js';
import type { GroupPace } from './group-pace.js';
import type { GroupParts } from './group-request.js';
import type { GroupFailure } from './group-result.js';
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

/** A key, and whose it is. */
export interface ParkedKey {
  readonly handler: RegisteredHandler;
  readonly scope: ParkScope;
}

/** `free`: nothing is parked there any more. `busy`: another has the key, or appends to it for long. */
export type NoEntry = 'free' | 'busy';

export type Attempt =
  | { readonly end: 'handled' | 'interrupted' | NoEntry }
  /** It was not tried, for what `look` says. */
  | { readonly end: 'refused'; readonly entry: ParkedEntry }
  /** `entry`: `null` where it was not come by. */
  | { readonly end: 'failed'; readonly entry: ParkedEntry | null; readonly failure: GroupFailure };

/** Milliseconds that those who append to an empty key are waited for. */
const releasePatienceMs = 1_000;

/** `isWanted`: whether the first event is to be tried now. Never rejects. */
export async function attemptFirst(
  parts: ParkRetryParts,
  key: ParkedKey,
  isWanted: (entry: ParkedEntry) => boolean,
): Promise<Attempt> {
  const { storage, published, clock } = parts.group;
  let phase: GroupFailure['phase'] = 'other';
  let entry: ParkedEntry | null = null;
  let transaction: Transaction | null = null;
  try {
    transaction = await begin(parts, key.handler);
    const taken = await storage.parked.take(transaction, key.scope);
    if (taken === null || taken === 'busy' || taken === 'empty' || !isWanted(taken)) {
      await transaction.rollback();
      if (taken === 'empty') return { end: await release(parts, key) };
      if (taken === null || taken === 'busy') return { end: taken ?? 'free' };
      return { end: 'refused', entry: taken };
    }
    entry = taken;
    phase = 'call';
    await call(parts, key.handler, transaction, entry);
    phase = 'other';
    await storage.parked.settle(transaction, entry, clock.now());
    phase = 'seal';
    const publishes = transaction.outgoing.length > 0;
    await transaction.seal();
    phase = 'commit';
    await transaction.commit();
    if (publishes) published();
    return { end: 'handled' };
  } catch (thrown) {
    await transaction?.rollback();
    const error =
      thrown instanceof CallCutOff ? thrown.reason : (transaction?.fault ?? translated(storage, thrown));
    return { end: 'failed', entry, failure: { error: toError(error), unit: null, phase } };
  }
}

/** Like a group: one of so many transactions at a time, and nothing beside what may kill its process. */
export async function inTurn<T>(
  { pace, quarantine, draining }: ParkRetryParts,
  handler: RegisteredHandler,
  alone: boolean,
  work: () => Promise<T>,
): Promise<T | { readonly end: 'interrupted' }> {
  const leave = await pace.enter([handler], draining);
  try {
    const goOn = draining.aborted ? null : await quarantine.enter(alone, draining);
    if (goOn === null) return { end: 'interrupted' };
    return await work().finally(goOn);
  } finally {
    leave();
  }
}

/** A short transaction of the framework's own over the first event of a key: no handler runs in it. */
export async function withFirst<T>(
  parts: ParkRetryParts,
  key: ParkedKey,
  work: (transaction: Transaction, entry: ParkedEntry) => Promise<T>,
): Promise<T | NoEntry> {
  const { storage } = parts.group;
  const transaction = await begin(parts, key.handler);
  try {
    const entry = await storage.parked.take(transaction, key.scope);
    if (entry === null || entry === 'busy' || entry === 'empty') {
      await transaction.rollback();
      return entry === 'empty' ? await release(parts, key) : (entry ?? 'free');
    }
    const result = await work(transaction, entry);
    const publishes = transaction.outgoing.length > 0;
    await transaction.seal();
    await transaction.commit();
    if (publishes) parts.group.published();
    return result;
  } catch (error) {
    await transaction.rollback();
    throw transaction.fault ?? translated(storage, error);
  }
}

/** Whoever appends is waited for, lest a key that is always appended to is never free again; they wait for nobody. */
async function release(parts: ParkRetryParts, { handler, scope }: ParkedKey): Promise<NoEntry> {
  const { storage } = parts.group;
  const transaction = await begin(parts, handler, releasePatienceMs);
  try {
    const free = await storage.parked.release(transaction, scope);
    await transaction.seal();
    await transaction.commit();
    return free ? 'free' : 'busy';
  } catch (thrown) {
    await transaction.rollback();
    const error = transaction.fault ?? translated(storage, thrown);
    if (hasCode(error, 'EO_SERIALIZATION_FAILURE')) return 'busy';
    throw error;
  }
}

/** A transaction of the framework's own that waits a little for who has what it asks for. */
export async function inPatience(
  parts: ParkRetryParts,
  handler: RegisteredHandler,
  work: (transaction: Transaction) => Promise<void>,
): Promise<void> {
  const transaction = await begin(parts, handler, releasePatienceMs);
  try {
    await work(transaction);
    await transaction.seal();
    await transaction.commit();
  } catch (error) {
    await transaction.rollback();
    throw transaction.fault ?? translated(parts.group.storage, error);
  }
}

/** `lockTimeoutMs`: of a transaction in which no handler runs. */
function begin(
  { group }: ParkRetryParts,
  handler: RegisteredHandler,
  lockTimeoutMs = 0,
): Promise<Transaction> {
  const { storage, idleTimeoutMs, isolation } = group;
  return storage.begin({
    idleTimeoutMs,
    statementTimeoutMs: Math.max(1_000, handler.timeoutMs),
    lockTimeoutMs,
    isolation: lockTimeoutMs > 0 ? 'READ COMMITTED' : isolation,
    shared: false,
    triedAgain: true,
    sealsWithCommit: true,
  });
}

async function call(
  { group, directory, aborted }: ParkRetryParts,
  handler: RegisteredHandler,
  transaction: Transaction,
  entry: ParkedEntry,
): Promise<void> {
  const unit = unitOfParked(entry, handler, directory);
  const { event } = unit;
  if (event === null) throw unit.hopeless;
  const payloads = handler.batch && [await preparedPayload(group, unit, aborted)];
  const interrupt = new GroupInterrupt();
  const where = { transaction, savepoint: false, beside: false, interrupt };
  await interrupt.during(aborted, () =>
    callHandler(group, { handler, events: [{ unit, event }], payloads, ...where }),
  );
}
