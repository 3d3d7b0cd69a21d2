/**
 * Events that wait for publication. Written inside the business transaction, read by the relay.
 *
 * The states and their legal moves are the table below; the DDL's CHECK holds the same names, and a test
 * compares the two. A settled row is deleted.
 */
import type { EventEnvelope } from '../event/event-envelope.js';
import type { Lease } from '../relay/lease-store.js';

export type OutboxState = 'pending' | 'dead';

export const outboxMoves: Readonly<Record<OutboxState, readonly OutboxState[]>> = {
  pending: ['dead'],
  dead: ['pending'],
};

export interface OutboxRow {
  readonly position: bigint;
  readonly event: EventEnvelope;
}

/** What a row counts for, in bytes: body, headers, key and id. */
export function rowBytes({ body, headers, key, id }: EventEnvelope): number {
  const texts = [id, key ?? '', JSON.stringify(Object.entries(headers))];
  return texts.reduce((sum, text) => sum + Buffer.byteLength(text), body?.length ?? 0);
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
}

export interface OutboxStore {
  /**
   * Up to `limit` pending, due, committed rows of the lease's shard, oldest position first, within the bounds. Throws
   * EO_LEASE_LOST where the lease is no longer held.
   */
  claim(lease: Lease, limit: number, bounds?: ClaimBounds): Promise<OutboxRow[]>;
  /** Deletes published rows. Throws EO_LEASE_LOST, and changes nothing, where the lease is no longer held. */
  settle(lease: Lease, positions: readonly bigint[]): Promise<void>;
  /**
   * Moves a pending row to `dead` with the broker's reason, because it can never be sent. Later rows of its key are
   * claimed all the same. Throws EO_LEASE_LOST, and changes nothing, where the lease is no longer held.
   */
  refuse(lease: Lease, position: bigint, reason: string): Promise<void>;
  depth(): Promise<OutboxDepth>;
}
