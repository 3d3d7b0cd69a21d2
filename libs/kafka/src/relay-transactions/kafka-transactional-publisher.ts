/**
 * Opens the shards of an outbox at the broker, for a relay that sends exactly once. Step 2 of an event's life.
 *
 * Whoever opens a shard shuts out its former owner, in whatever process that is.
 */
import type { Clock, Logger, OutboxShard, ShardPublisher, TransactionalPublisher } from '@exactly-once/core';
import type { KafkaClient } from '../kafka-client.js';
import { KafkaShardPublisher } from './kafka-shard-publisher.js';
import { OutboxProgress } from './outbox-progress.js';

export interface TransactionalPublisherParts {
  readonly client: KafkaClient;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly prefix: string;
  /** Of a request to the broker. */
  readonly maxRequestBytes: number;
}

export class KafkaTransactionalPublisher implements TransactionalPublisher {
  readonly #parts: TransactionalPublisherParts;
  readonly #progress: OutboxProgress;
  readonly #open = new Set<KafkaShardPublisher>();
  #stopped = false;

  constructor(parts: TransactionalPublisherParts) {
    this.#parts = parts;
    this.#progress = new OutboxProgress(parts.client, parts.prefix);
  }

  async open(shard: OutboxShard): Promise<ShardPublisher> {
    const closed = (publisher: KafkaShardPublisher) => this.#open.delete(publisher);
    const opened = await KafkaShardPublisher.open({
      ...this.#parts,
      progress: this.#progress,
      shard,
      closed,
    });
    this.#open.add(opened);
    if (this.#stopped) await this.stop(); // it opened too late
    return opened;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all([...this.#open].map((publisher) => publisher.close()));
    await this.#progress.stop();
  }
}
