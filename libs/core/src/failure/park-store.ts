/**
 * Events that wait in the database, each with the later events of its key behind it, in order. Step 8 of an event's
 * life.
 *
 * An event is parked in the transaction that acknowledges it, so that it is here or handled, never both. The row of its
 * key is the lock: who appends behind it shares the row, who takes the key's first event out has it alone. The row goes
 * only with the key's last event, under that lock.
 */
import type { Transaction } from '../storage/transaction.js';

/** What keeps its order: the events of one key of one topic, for one handler. */
export interface ParkScope {
  /** `eo_handler.id`. */
  readonly handlerId: number;
  readonly topic: string;
  /** SHA-256 of the key; an event without one has a scope of its own. */
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
}

export interface ParkedEntry extends ParkedEvent {
  /** Grows in the order in which the events of a scope were parked. */
  readonly position: bigint;
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
   * takes an event of one of them out. The scopes are distinct.
   */
  parked(transaction: Transaction, scopes: readonly ParkScope[]): Promise<boolean[]>;
  /** Parks the event behind those of its scope. */
  park(transaction: Transaction, event: ParkedEvent): Promise<void>;
  /**
   * The first event of a scope, which nobody else can take or append behind until the transaction ends; `busy` where
   * another has it now or appends, `null` where none is parked.
   */
  take(transaction: Transaction, scope: ParkScope): Promise<ParkedEntry | 'busy' | null>;
  /** Takes an event away that `take` gave in this transaction, and the scope's row with its last one. */
  settle(transaction: Transaction, entry: ParkedEntry): Promise<void>;
  /** At most `limit` scopes, those that were parked first before others. */
  scopes(limit: number): Promise<ParkedScope[]>;
  /** Events that are parked. */
  count(): Promise<number>;
}
