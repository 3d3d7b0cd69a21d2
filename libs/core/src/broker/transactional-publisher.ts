/**
 * Sending in transactions of the broker: the events of a batch and the token that tells it from every other are there
 * together, or none of them. Step 2 of an event's life.
 *
 * Nothing is committed that the caller has not confirmed within the same transaction, nor by whoever was shut out.
 */
import type { EventEnvelope } from '../event/event-envelope.js';
import type { SendOutcome } from './publisher.js';

export interface OutboxShard {
  /** The outbox's own name, which no other has. */
  readonly outbox: string;
  readonly shard: number;
}

export interface TransactionalBatch {
  /** From 0 to 2^62, and not that of the shard's last batch: equality is all that it is asked for. */
  readonly token: bigint;
  /**
   * Called before the commit with the indexes, in order, of the events that are going to be committed, maybe while they
   * are still being written. Called again where they turn out to be fewer: the last call counts. Where it rejects,
   * nothing is committed, and `publish` rejects with the same.
   */
  readonly confirm: (indexes: readonly number[]) => Promise<void>;
}

export interface TransactionalPublisher {
  /**
   * Shuts out whoever had the shard, in any process: what it began is committed or aborted when this resolves. Several
   * shards may be open. `inDoubt`: tokens of batches that may have been committed; a broker that tells of a commit late
   * is asked twice before it is taken for none of them. Rejects with EO_BROKER_UNAVAILABLE.
   */
  open(shard: OutboxShard, inDoubt: readonly bigint[]): Promise<ShardPublisher>;
  /** Closes what is still open; what is under way rejects. */
  stop(): Promise<void>;
}

/** One owner's hold on a shard. After a rejection it is closed, and another is opened. */
export interface ShardPublisher {
  /**
   * Token of the last batch that was committed when the shard was opened; `null` where none is known: there was none, or
   * the broker has forgotten it.
   */
  readonly committed: bigint | null;
  /**
   * Commits the events that can be sent, in the order given, and answers for each; after a `later` no later event of
   * that topic is `sent`, and after a `refused` none of that topic and key. Where none can be sent nothing is committed, whatever was confirmed. Rejects with EO_FENCED where another
   * has opened the shard, EO_COMMIT_UNKNOWN and EO_BROKER_UNAVAILABLE: `committed` of the next one tells what became
   * of the batch.
   */
  publish(events: readonly EventEnvelope[], batch: TransactionalBatch): Promise<SendOutcome[]>;
  close(): Promise<void>;
}
