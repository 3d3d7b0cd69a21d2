/**
 * Outbox rows that the broker refused for good, for a person to decide about. Beside step 2 of an event's life.
 *
 * Each holds back the later events of its topic and key, and nothing else, until it is sent again or given up. What
 * was decided is never undone by a second decision: of several at once, one finds the row.
 */

export interface DeadRow {
  readonly position: bigint;
  readonly topic: string;
  readonly key: string | null;
  readonly type: string;
  readonly source: string;
  readonly id: string;
  /** The broker's. */
  readonly reason: string;
  readonly createdAtMs: number;
  /** Pending rows of its topic and key behind it; 0 where it has no key. */
  readonly waiting: number;
}

/** Who gave an event up, and why. */
export interface DiscardDecision {
  readonly by: string;
  readonly why: string;
}

export interface DeadRowStore {
  /** Up to `limit` dead rows after that position (default: from the first), oldest position first. */
  list(limit: number, after?: bigint): Promise<DeadRow[]>;
  /**
   * Moves dead rows back to `pending`: they are sent in their old place, before what waits behind them. Resolves with
   * the positions that were dead; others are left as they are.
   */
  retry(positions: readonly bigint[]): Promise<bigint[]>;
  /**
   * Gives dead rows up: they go to the archive, with the decision, and stay there. What waits behind them is sent.
   * Resolves with the positions that were dead; others are left as they are.
   */
  discard(positions: readonly bigint[], decision: DiscardDecision): Promise<bigint[]>;
}
