/**
 * Who may publish a shard of the outbox. One relay a shard, with an epoch that grows with every owner.
 */
export interface Lease {
  readonly shard: number;
  readonly owner: string;
  /** Grows by one with each new owner; every statement of the relay names it. */
  readonly epoch: bigint;
}

export interface LeaseStore {
  /** Number of shards, as it stands in the database. */
  shardCount(): Promise<number>;
  /** Takes the shard where it is free or its lease has run out, by the database's clock; else `null`. */
  acquire(shard: number, owner: string, leaseMs: number): Promise<Lease | null>;
  /** Extends a held lease; false where another relay took it. */
  renew(lease: Lease, leaseMs: number): Promise<boolean>;
  /** Gives the shard up at once; without effect where it is no longer held. */
  release(lease: Lease): Promise<void>;
}
