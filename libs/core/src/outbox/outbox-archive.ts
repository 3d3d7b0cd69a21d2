/**
 * What has left the outbox: events that were sent, for as long as they are kept, and events that were given up.
 * After step 2 of an event's life.
 *
 * Nothing in it is sent any more. A row carries the end of its own time, so that any process may remove it.
 */

export type ArchiveState = 'sent' | 'discarded';

export interface ArchivedRow {
  readonly position: bigint;
  readonly topic: string;
  readonly key: string | null;
  readonly type: string;
  readonly source: string;
  readonly id: string;
  readonly state: ArchiveState;
  readonly createdAtMs: number;
  readonly settledAtMs: number;
  /** `null`: until somebody deletes it. */
  readonly keepUntilMs: number | null;
  /** Why the broker refused it; who gave it up, and why. `null` where it was sent. */
  readonly reason: string | null;
  readonly decidedBy: string | null;
  readonly decidedWhy: string | null;
}

export interface OutboxArchive {
  /** Up to `limit` rows after that position (default: from the first), oldest position first. */
  list(limit: number, after?: bigint): Promise<ArchivedRow[]>;
  /** Deletes at most `limit` rows whose time is over, by the database's clock; how many were. */
  deleteExpired(limit: number): Promise<number>;
}
