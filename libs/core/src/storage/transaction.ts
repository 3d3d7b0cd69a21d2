/**
 * One database transaction of the framework: begin, admit, handle, seal, commit.
 *
 * Steps 4 to 6 of an event's life. The states and their legal moves are the table below; a storage adapter
 * moves through them and core decides when. A transaction whose COMMIT was not answered is `unknown`: it is
 * neither a success nor a failure.
 */
import type { ExactlyOnceError } from '../errors/exactly-once-error.js';
import type { EventEnvelope } from '../event/event-envelope.js';

export type TransactionState = 'open' | 'sealed' | 'committed' | 'rolled-back' | 'unknown';

export const transactionMoves: Readonly<Record<TransactionState, readonly TransactionState[]>> = {
  open: ['sealed', 'rolled-back'],
  sealed: ['committed', 'rolled-back', 'unknown'],
  committed: [],
  'rolled-back': [],
  unknown: ['committed', 'rolled-back'],
};

/**
 * The place of an event in the outbox of its transaction, in the order of publication; taken before the body is
 * encoded, so that a slow codec reorders nothing and a rolled-back savepoint takes it away.
 */
export interface OutboxEntry {
  /** `null` while it is being encoded, and for good where that failed: it is not written then. */
  event: EventEnvelope | null;
  /** Earliest time of publication, milliseconds since the epoch; `null` is at once. */
  readonly deliverAtMs: number | null;
  /** The scope that published it: a nested transaction that fails takes along its own scope's alone. */
  readonly scope?: object;
}

/** An event that waits for its transaction to commit. */
export interface WrittenEntry extends OutboxEntry {
  readonly event: EventEnvelope;
}

/** What `seal` writes of `outgoing`. */
export function writtenEntries(outgoing: readonly OutboxEntry[]): WrittenEntry[] {
  return outgoing.filter((entry): entry is WrittenEntry => entry.event !== null);
}

export type IsolationLevel = 'READ COMMITTED' | 'REPEATABLE READ' | 'SERIALIZABLE';

export interface BeginOptions {
  /**
   * Milliseconds that the database lets the transaction stand idle before it ends it, so that a stopped
   * process does not hold its successor. At most the consumer's session time-out.
   */
  readonly idleTimeoutMs: number;
  /** Milliseconds after which the database cancels a single statement; 0 leaves it to the database's own setting. */
  readonly statementTimeoutMs: number;
  /**
   * Milliseconds that a statement waits for another transaction's lock before it fails as a collision
   * (EO_SERIALIZATION_FAILURE); 0 is as long as it takes. Default 0.
   */
  readonly lockTimeoutMs?: number;
  /** Default: READ COMMITTED. */
  readonly isolation?: IsolationLevel;
  /** True where several events share the transaction: `SET LOCAL` by a handler is then refused. */
  readonly shared: boolean;
  /**
   * True where the same work is tried again after a COMMIT without an answer, and finds out by itself whether it was
   * done: `resolveOutcome` may not know then. Default false.
   */
  readonly triedAgain?: boolean;
  /**
   * True where nothing is looked at between `seal` and `commit`: what was published is then written in the round trip of
   * COMMIT, and what `seal` would throw for that comes from `commit`. Default false.
   */
  readonly sealsWithCommit?: boolean;
}

export interface Transaction {
  readonly state: TransactionState;
  /**
   * First error of this transaction that no event is to blame for (connection lost, serialization failure,
   * deadlock), also where a handler swallowed or wrapped it; `null` where there was none, or where a savepoint set
   * before it was rolled back to and the transaction can go on.
   */
  readonly fault: ExactlyOnceError | null;
  /**
   * EO_TRANSACTION_ABORTED, with the SQL error as its cause, from an SQL error on until a savepoint set before it is
   * rolled back to; `null` while statements can be run.
   */
  readonly aborted: ExactlyOnceError | null;
  /** What a user's statement or nested transaction gets, where this is no database's transaction. */
  readonly noDatabase?: ExactlyOnceError;
  /** Events published so far; a rolled-back savepoint takes its own away. `seal` writes its `writtenEntries`. */
  readonly outgoing: OutboxEntry[];
  /**
   * Runs `work` behind a savepoint and releases it. Where `work` throws, or left the transaction aborted
   * (it swallowed an SQL error), rolls back to the savepoint and throws: the first SQL error seen is then
   * the `cause` of EO_TRANSACTION_ABORTED. The transaction stays usable.
   */
  savepoint<T>(work: () => Promise<T>): Promise<T>;
  /**
   * Ends the handlers' part: refuses every later statement of theirs, writes the outbox, and proves by a
   * statement of the framework that the transaction is alive. Throws EO_TRANSACTION_ABORTED where a
   * swallowed SQL error has aborted it. With `sealsWithCommit` the writing and the proof are left to `commit`.
   */
  seal(): Promise<void>;
  /**
   * Commits a sealed transaction and checks the database's answer. Throws EO_COMMIT_UNKNOWN where none
   * came, EO_TRANSACTION_ABORTED where the database rolled back instead, and the translated database error
   * where a deferred constraint failed. Where what was published could not be written, the state stays `sealed`.
   */
  commit(): Promise<void>;
  /**
   * Rolls back and gives the connection back; a connection that does not answer is destroyed. Never throws:
   * what is not committed is rolled back by the database at the latest when the connection ends. Also legal
   * after the end, then without effect.
   */
  rollback(): Promise<void>;
  /** After EO_COMMIT_UNKNOWN: asks the database, on a new connection, what became of it. */
  resolveOutcome(): Promise<'committed' | 'rolled-back' | 'unknown'>;
}
