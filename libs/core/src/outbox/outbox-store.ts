/**
 * Events that wait for publication. Written inside the business transaction, read by the relay.
 *
 * The states and their legal moves are the table below; the DDL's CHECK holds the same names, and a test
 * compares the two. A settled row is deleted, or moved to the archive.
 */
import type { EventEnvelope } from '../event/event-envelope.js';
import type { Lease } from '../relay/lease-store.js';
import type { DeadRowStore } from './dead-row-store.js';
import type { OutboxArchive } from './outbox-archive.js';

export type OutboxState = 'pending' | 'dead';

export const outboxMoves: Readonly<Record<OutboxState, readonly OutboxState[]>> = {
  pending: ['dead'],
  dead: ['pending'],
};

export interface OutboxRow {
  readonly position: bigint;
  readonly event: EventEnvelope;
  /** It was to be seen already in the snapshot that the claim was given. */
  readonly known: boolean;
}

/** What a relay found in a shard, as of one moment. */
export interface OutboxClaim {
  readonly rows: readonly OutboxRow[];
  /** Names the moment, for a later claim. */
  readonly snapshot: string;
  /** Transactions that may have written to the outbox and were not to be seen yet: their rows may stand before these. */
  readonly writers: readonly string[];
  readonly dead: DeadRows;
}

/** What a claim tells of a shard's dead rows. */
export interface DeadRows {
  /** Position of the first; `null` where there is none. */
  readonly first: bigint | null;
  /** Another one after a row has become dead, or somebody has decided on one. */
  readonly version: string;
}

/** What the attributes of an event (source, type, times, trace) add to its record in a broker, generously. */
export const attributeBytes = 300;

/** What a row counts for, in bytes: body, headers, key and id, and its attributes at a flat rate. */
export function rowBytes({ body, headers, key, id }: EventEnvelope): number {
  const texts = [id, key ?? '', JSON.stringify(Object.entries(headers))];
  return texts.reduce((sum, text) => sum + Buffer.byteLength(text), attributeBytes + (body?.length ?? 0));
}

export interface OutboxDepth {
  readonly pending: number;
  readonly dead: number;
  /** Age of the oldest pending row in milliseconds; 0 where there is none. */
  readonly oldestAgeMs: number;
}

export interface ClaimBounds {
  /** Of all rows together, but for the first. Default: no bound. */
  readonly maxBytes?: number;
  /** Topics whose rows are left. Default: none. */
  readonly exceptTopics?: readonly string[];
  /** Rows that are left, because they are under way. Default: none. */
  readonly exceptPositions?: readonly bigint[];
  /** Nothing that is due at once stands before it: a shorter way, no condition. Default: the beginning. */
  readonly from?: bigint;
  /** Of an earlier claim: rows say whether they were to be seen then. Default: none was. */
  readonly snapshot?: string | null;
  /** Of that claim: those that have not ended are among the new one's writers in any case. Default: none. */
  readonly writers?: readonly string[];
}

/** A shard, and where its first row that is due at once can stand. */
export interface ShardStart {
  readonly shard: number;
  readonly from: bigint;
}

/** Rows that go out in one transaction of the broker, and the token by which it knows them. */
export interface OutboxBatch {
  readonly token: bigint;
  readonly positions: readonly bigint[];
}

export interface OutboxStore {
  readonly dead: DeadRowStore;
  readonly archive: OutboxArchive;
  /** The outbox's own name, which no other has: a UUID that its database was given. */
  name(): Promise<string>;
  /**
   * Up to `limit` pending, due, committed rows of the lease's shard, oldest position first, within the bounds. Rows
   * behind a dead one of their topic and key are left. Throws EO_LEASE_LOST where the lease is no longer held.
   */
  claim(lease: Lease, limit: number, bounds?: ClaimBounds): Promise<OutboxClaim>;
  /** Those of the shards in which something may be due. */
  due(shards: readonly ShardStart[]): Promise<number[]>;
  /**
   * Deletes published rows, or moves them to the archive for `archiveMs` milliseconds (default 0: deleted). Throws
   * EO_LEASE_LOST, and changes nothing, where the lease is no longer held.
   */
  settle(lease: Lease, positions: readonly bigint[], archiveMs?: number): Promise<void>;
  /**
   * The database's word before the broker commits: records the batch, and settles (as `settle`) and forgets the one
   * `before`, in one statement. A batch of the same token is recorded anew. Throws EO_LEASE_LOST, and changes nothing, where the lease is
   * no longer held or has run out.
   */
  prepare(lease: Lease, batch: OutboxBatch, before: OutboxBatch | null, archiveMs?: number): Promise<void>;
  /**
   * Batches that were prepared and not concluded, by this owner or one before: the broker knows what became of them. More
   * than one where a statement that was given up went on. Throws EO_LEASE_LOST where the lease is no longer held.
   */
  inDoubt(lease: Lease): Promise<OutboxBatch[]>;
  /**
   * Settles (as `settle`) what the broker has committed of a batch (no positions: nothing) and forgets the batch, in one
   * statement. Throws EO_LEASE_LOST, and changes nothing, where the lease is no longer held.
   */
  conclude(lease: Lease, batch: OutboxBatch, archiveMs?: number): Promise<void>;
  /**
   * Moves a pending row to `dead` with the broker's reason, because it can never be sent. Later rows of its topic and
   * key wait until somebody decides. Throws EO_LEASE_LOST, and changes nothing, where the lease is no longer held.
   */
  refuse(lease: Lease, position: bigint, reason: string): Promise<void>;
  depth(): Promise<OutboxDepth>;
  /**
   * Deletes at most `limit` pending rows older than `olderThanMs` milliseconds, which something else than a relay has
   * sent; how many were. None while a relay holds a lease.
   */
  deleteUnrelayed(olderThanMs: number, limit: number): Promise<number>;
}
