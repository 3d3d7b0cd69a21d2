/**
 * A transaction that the user's own code began and ends, into which events are published. Step 1 of an event's life.
 *
 * We do not see its COMMIT before it happens, so events are written at once: whatever undoes the state change, a
 * savepoint said as text included, undoes them.
 */
import type { WrittenEntry } from './transaction.js';

export interface BorrowedTransaction {
  /**
   * Writes events into it, in order, in one statement. Throws EO_TRANSACTION_ENDED, and writes nothing, where it has
   * ended meanwhile; the database's own errors pass through. `committed` is called after its commit, where that is seen.
   */
  append(entries: readonly WrittenEntry[], committed: () => void): Promise<void>;
}
