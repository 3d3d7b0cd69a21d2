/**
 * A transaction for code outside of handlers: state changes and events, committed together. Step 1 of an event's life.
 *
 * It has no inbox. A COMMIT that was not answered is looked up in the database and otherwise reported as
 * unknown; it is never repeated here.
 */
import { ExactlyOnceError, hasCode } from '../errors/exactly-once-error.js';
import { endScope, openScope, type Scope } from '../storage/ambient-scope.js';
import type { Storage } from '../storage/storage.js';
import type { IsolationLevel, Transaction } from '../storage/transaction.js';

export interface BusinessTransactionParts {
  readonly storage: Storage;
  readonly idleTimeoutMs: number;
  /** Called after a commit that published something. */
  readonly published: () => void;
  /**
   * Calls the listener, at once where it is late, when the transaction must end: it is rolled back, and what `work` still
   * tries is refused. Returns how to forget the listener. Each transaction pays for it: a signal would cost it more.
   */
  readonly onAbort: (listener: () => void) => () => void;
}

export interface TransactionOptions {
  /** Default READ COMMITTED. Inside another transaction it is refused with EO_TRANSACTION_OWNED. */
  readonly isolation?: IsolationLevel;
}

/** Runs `work` as a savepoint of the transaction that a handler or another such transaction is in. */
export async function runNested<T>(
  { open, transaction }: Scope,
  work: () => Promise<T>,
  { isolation }: TransactionOptions = {},
): Promise<T> {
  if (transaction.noDatabase !== undefined) throw transaction.noDatabase;
  if (isolation !== undefined) {
    const what = `a transaction inside another asked for ${isolation}; the level is the outer one's`;
    throw new ExactlyOnceError('EO_TRANSACTION_OWNED', what);
  }
  if (open) return transaction.savepoint(work);
  throw new ExactlyOnceError('EO_TRANSACTION_ENDED', 'a transaction was begun after its event had ended');
}

/**
 * Runs `work` in a transaction and resolves with its result once that is committed. Rejects with EO_COMMIT_UNKNOWN,
 * with EO_SHUTTING_DOWN where it was interrupted, with what ended the transaction (EO_STORAGE_UNAVAILABLE,
 * EO_SERIALIZATION_FAILURE, EO_TRANSACTION_ABORTED), or with the error of `work`.
 */
export async function runTransaction<T>(
  parts: BusinessTransactionParts,
  work: () => Promise<T>,
  options: TransactionOptions = {},
): Promise<T> {
  const transaction = await begin(parts, options);
  try {
    const result = await runWork(parts, transaction, work);
    const published = transaction.outgoing.length > 0;
    await transaction.seal();
    await commit(transaction);
    if (published) parts.published();
    return result;
  } catch (error) {
    await transaction.rollback();
    if (hasCode(error, 'EO_COMMIT_UNKNOWN') || hasCode(error, 'EO_SHUTTING_DOWN')) throw error;
    throw transaction.fault ?? parts.storage.translate(error);
  }
}

/** One that comes after the interruption is given back. */
async function begin(
  { storage, idleTimeoutMs, onAbort }: BusinessTransactionParts,
  options: TransactionOptions,
): Promise<Transaction> {
  const beginning = storage.begin({
    idleTimeoutMs,
    statementTimeoutMs: 0,
    shared: false,
    sealsWithCommit: true,
    ...options,
  });
  try {
    return await unlessAborted(onAbort, beginning);
  } catch (error) {
    void beginning.then(
      (transaction) => transaction.rollback(),
      () => undefined,
    );
    throw error;
  }
}

async function runWork<T>(
  { storage, onAbort }: BusinessTransactionParts,
  transaction: Transaction,
  work: () => Promise<T>,
): Promise<T> {
  const scope = openScope(transaction, null);
  let result: T;
  try {
    result = await unlessAborted(onAbort, storage.ambient.run(scope, work));
  } finally {
    endScope(scope);
  }
  if (scope.violation !== null) throw scope.violation;
  if (scope.pending > 0) {
    const what = `a transaction returned while ${scope.pending} of its statements or publications were still running`;
    throw new ExactlyOnceError('EO_TRANSACTION_ENDED', what);
  }
  return result;
}

function unlessAborted<T>(onAbort: BusinessTransactionParts['onAbort'], work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const interrupt = () => reject(new ExactlyOnceError('EO_SHUTTING_DOWN', 'a transaction was interrupted'));
    const forget = onAbort(interrupt);
    work.then(
      (result) => {
        forget();
        resolve(result);
      },
      (error) => {
        forget();
        reject(error);
      },
    );
  });
}

async function commit(transaction: Transaction): Promise<void> {
  try {
    await transaction.commit();
  } catch (error) {
    if (!hasCode(error, 'EO_COMMIT_UNKNOWN')) throw error;
    const outcome = await transaction.resolveOutcome();
    if (outcome === 'committed') return;
    if (outcome === 'unknown') throw error;
    throw new ExactlyOnceError(
      'EO_STORAGE_UNAVAILABLE',
      'the connection broke during COMMIT; nothing was committed',
      {
        cause: error,
      },
    );
  }
}
