/**
 * Who may publish a shard of the outbox, and how relays share the shards. One relay a shard, with an epoch that grows
 * with every owner. Time is the database's. Step 2 of an event's life.
 */
export interface Lease {
  readonly shard: number;
  readonly owner: string;
  /** Grows by one with each new owner; every statement of the relay names it. */
  readonly epoch: bigint;
}

/** What one beat finds. */
export interface RelayView {
  readonly shardCount: number;
  /** Number of shards that is to be, once one relay holds all; `null` where it is to stay. */
  readonly wantedShardCount: number | null;
  /** Relays that live, this one included. */
  readonly relays: number;
  /** Its own place among them, by age, from 0. */
  readonly rank: number;
  /** Of the leases that were to be extended, those that were. */
  readonly held: readonly number[];
  /** Shards that nobody holds. */
  readonly free: readonly number[];
  /** Milliseconds until the first of the other relays counts as dead, unless it beats again; `null` where there is none. */
  readonly nextExpiryMs: number | null;
}

/** What an operator sees. */
export interface RelayOverview {
  readonly shardCount: number;
  /** Number of shards that is to be; `null` where it is to stay. */
  readonly wantedShardCount: number | null;
  /** Relays that live, the oldest first, and the shards that each holds. */
  readonly relays: readonly { readonly name: string; readonly sinceMs: number; readonly shards: number[] }[];
}

export interface LeaseStore {
  /** Says that this relay lives, extends its leases, and looks around, in one statement. */
  beat(owner: string, leaseMs: number, leases: readonly Lease[]): Promise<RelayView>;
  /** Takes the shard where it is free or its lease has run out, by the database's clock; else `null`. */
  acquire(shard: number, owner: string, leaseMs: number): Promise<Lease | null>;
  /** Gives the shard up at once; without effect where it is no longer held. */
  release(lease: Lease): Promise<void>;
  /** The relay does not count any more. */
  leave(owner: string): Promise<void>;
  overview(): Promise<RelayOverview>;
  /** Asks for another number of shards, 1 to 1,024: the relays see to it when they can. */
  want(shardCount: number): Promise<void>;
  /**
   * Splits the outbox anew, from the count that is to the one that is wanted, where `owner` holds every shard there is
   * and no batch is in doubt; false, and no change, else. Its leases then are of the new shards.
   */
  reshard(owner: string): Promise<boolean>;
}
