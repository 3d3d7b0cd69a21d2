/**
 * Events that wait in the database, each with the later events of its key behind it, in order. Step 8 of an event's
 * life.
 *
 * An event is parked in the transaction that acknowledges it, so that it is here or handled, never both. The row of its
 * key is the lock: one at a time takes the key's first event out, while others append behind it; the row goes only when
 * nothing is left and nobody appends. Who finds it gone goes on after all that was parked.
 */
import type { DiscardDecision } from '../outbox/dead-row-store.js';
import type { Transaction } from '../storage/transaction.js';

/** What keeps its order: the events of one key of one topic, for one handler. */
export interface ParkScope {
  /** `eo_handler.id`. */
  readonly handlerId: number;
  readonly topic: string;
  /** SHA-256 of the key; an event without one, or without order, has a scope of its own. */
  readonly keyHash: Uint8Array;
}

/** Why an event waits: its dead letter has the same fields. */
export interface ParkReason {
  readonly code: string;
  /** Messages of the error and its causes, outermost first. */
  readonly errorChain: readonly string[];
  /** Calls of its handler so far. */
  readonly attempts: number;
  /** Processes that died while they ran it alone. */
  readonly deaths: number;
  readonly firstAttemptAtMs: number;
}

export interface ParkedEvent extends ParkScope, ParkReason {
  readonly partition: number;
  readonly offset: bigint;
  readonly key: Uint8Array | null;
  /** As received. */
  readonly headers: Readonly<Record<string, Uint8Array>>;
  readonly body: Uint8Array | null;
  /** The broker's time of the record. */
  readonly timestampMs: number;
  /** Under which the inbox knows it; it is recorded there. */
  readonly inboxKey: Uint8Array;
  /**
   * When it is to be tried again, milliseconds since the epoch; `null` where it waits for those before it or, with
   * `deaths`, for a person.
   */
  readonly nextAttemptAtMs: number | null;
}

/** Who began a retry and was not heard of since: it is at it still, or died, perhaps of it. */
export interface RetryMark {
  /** Processes, each once, the last to begin at the end. */
  readonly owners: readonly string[];
  /** When the last of them began; `null` where there is none. */
  readonly atMs: number | null;
}

export interface ParkedEntry extends ParkedEvent {
  /** Grows in the order in which the events of a scope were parked. */
  readonly position: bigint;
  readonly begun: RetryMark;
  /** Who has given it up, and why; `null` where nobody has. */
  readonly givenUp: DiscardDecision | null;
}

/** What another attempt has changed of an event that stays parked. */
export type ParkedFailure = Pick<
  ParkedEvent,
  'code' | 'errorChain' | 'attempts' | 'deaths' | 'nextAttemptAtMs'
>;

export interface UpcomingScope extends ParkScope {
  /** Milliseconds since the epoch. */
  readonly atMs: number;
}

export interface ParkedScope extends ParkScope {
  readonly key: Uint8Array | null;
  /** The handler's name. */
  readonly handler: string;
  /** How many events wait. */
  readonly events: number;
  /** The code of the first one's error. */
  readonly code: string;
}

export interface ParkStore {
  /**
   * Which of the scopes are parked, in the order given; those stay so until the transaction ends. Waits for whoever
   * releases one of them, and for nobody who handles an event of it. The scopes are distinct.
   */
  parked(transaction: Transaction, scopes: readonly ParkScope[]): Promise<boolean[]>;
  /** Parks the event behind those of its scope. */
  park(transaction: Transaction, event: ParkedEvent): Promise<void>;
  /**
   * The first event of a scope, which nobody else can take until the transaction ends; `busy` where another has it now,
   * `empty` where its last event has left and the scope is to be released, `null` where it is not parked.
   */
  take(transaction: Transaction, scope: ParkScope): Promise<ParkedEntry | 'busy' | 'empty' | null>;
  /** Says of an event that `take` gave in this transaction that `owner` begins a retry at `nowMs`. */
  mark(transaction: Transaction, entry: ParkedEntry, owner: string, nowMs: number): Promise<void>;
  /** Takes `owner` off the mark of a scope, where it is there: it lives. Waits for who has the scope's first event. */
  unmark(transaction: Transaction, scope: ParkScope, owner: string): Promise<void>;
  /**
   * Leaves an event that `take` gave in this transaction where it is, as the first, with what was learnt of it. Nobody
   * is marked any more.
   */
  postpone(transaction: Transaction, entry: ParkedEntry, failure: ParkedFailure): Promise<void>;
  /**
   * Takes an event away that `take` gave in this transaction. The one behind it is due at `nowMs`, unless that waits
   * for a person; where there is none the scope is, to be released. Who marked it last is marked at the next one.
   */
  settle(transaction: Transaction, entry: ParkedEntry, nowMs: number): Promise<void>;
  /**
   * Ends that a scope is parked, where nothing of it is; answers whether that is so. Waits for who appends, and who
   * asks whether it is parked waits for this transaction. Read committed, else it may fail for what was appended.
   */
  release(transaction: Transaction, scope: ParkScope): Promise<boolean>;
  /** At most `limit` scopes of these handlers that have a time at which they are to be looked at, earliest first. */
  upcoming(handlerIds: readonly number[], limit: number): Promise<UpcomingScope[]>;
  /**
   * Makes the first event of a scope due now, also one that waits for a person; false where nothing is parked there. Waits
   * for nobody who handles it.
   */
  hasten(scope: ParkScope): Promise<boolean>;
  /**
   * Has the first event of a scope dead-lettered instead of tried again, and makes it due now; false where nothing is
   * parked there. Waits for nobody: an attempt that is under way, and succeeds, was the last.
   */
  giveUp(scope: ParkScope, decision: DiscardDecision): Promise<boolean>;
  /** At most `limit` scopes, those that were parked first before others. */
  scopes(limit: number): Promise<ParkedScope[]>;
  /** Events that are parked and fit all that is said. */
  count(filter?: ParkedFilter): Promise<number>;
}

export interface ParkedFilter {
  /** Names of handlers. */
  readonly handlers?: readonly string[];
  /** Milliseconds since the epoch: first tried, or parked behind others, before. */
  readonly beforeMs?: number;
}
