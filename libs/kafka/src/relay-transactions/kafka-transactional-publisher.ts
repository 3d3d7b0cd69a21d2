/**
 * Opens the shards of an outbox at the broker, for a relay that sends exactly once. Step 2 of an event's life.
 *
 * Whoever opens a shard shuts out its former owner, in whatever process that is.
 */
import type { Clock, Logger, OutboxShard, ShardPublisher, TransactionalPublisher } from '@exactly-once/core';
import type { KafkaClient } from '../kafka-client.js';
import { RequestBound } from '../request-bound.js';
import { TopicPauses } from '../topic-pauses.js';
import { KafkaShardPublisher, type ShardExperience } from './kafka-shard-publisher.js';
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
  /** By name of the shard. */
  readonly #experience = new Map<string, ShardExperience>();
  #stopped = false;

  constructor(parts: TransactionalPublisherParts) {
    this.#parts = parts;
    this.#progress = new OutboxProgress(parts.client, parts.prefix, parts.clock);
  }

  async open(shard: OutboxShard, inDoubt: readonly bigint[]): Promise<ShardPublisher> {
    const closed = (publisher: KafkaShardPublisher) => this.#open.delete(publisher);
    const opened = await KafkaShardPublisher.open({
      ...this.#parts,
      progress: this.#progress,
      experience: this.#experienceOf(shard),
      shard,
      closed,
      inDoubt,
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

  #experienceOf(shard: OutboxShard): ShardExperience {
    const name = this.#progress.nameOf(shard);
    const { clock, maxRequestBytes } = this.#parts;
    const known = this.#experience.get(name);
    const experience = known ?? {
      pauses: new TopicPauses(clock),
      bound: new RequestBound(maxRequestBytes),
    };
    this.#experience.set(name, experience);
    return experience;
  }
}
