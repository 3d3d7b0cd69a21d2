/**
 * One life of a kafkajs consumer: from connecting to its crash or our stop.
 *
 * kafkajs drops its group before it says that it crashed, and then throws at whoever calls it: what would be said
 * to it in between is lost with the life, and never throws.
 */
import { type Clock, type ConsumerRequest, errorChain, type Logger } from '@exactly-once/core';
import type { Consumer, ConsumerConfig, EachBatchPayload, Kafka } from 'kafkajs';
import { type AssignedPartition, GroupMembership, type Join } from './group-membership.js';
import { OffsetCommitter, type PartitionOffset } from './offset-committer.js';

export type ConsumerSettings = Omit<ConsumerConfig, 'groupId'> & {
  readonly sessionTimeout: number;
  readonly rebalanceTimeout: number;
  readonly heartbeatInterval: number;
};

export interface LifeParts {
  readonly kafka: Kafka;
  readonly config: ConsumerSettings;
  readonly request: Pick<ConsumerRequest, 'group' | 'topics'>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly joined: (life: ConsumerLife, join: Join) => void;
  readonly batch: (life: ConsumerLife, payload: EachBatchPayload) => Promise<void>;
  /** kafkajs has given up and disconnected: nothing is assigned any more. */
  readonly crashed: (life: ConsumerLife, error: Error) => void;
}

export class ConsumerLife {
  readonly membership: GroupMembership;
  readonly committer: OffsetCommitter;
  readonly #parts: LifeParts;
  readonly #consumer: Consumer;
  #over = false;
  #commitOnce: EachBatchPayload['commitOffsetsIfNecessary'] | null = null;

  constructor(parts: LifeParts) {
    const { kafka, config, request, clock, logger } = parts;
    this.#parts = parts;
    const retry = { ...config.retry, restartOnFailure: () => Promise.resolve(false) };
    this.#consumer = kafka.consumer({ ...config, retry, groupId: request.group });
    this.membership = new GroupMembership(this.#consumer, clock, (join) => {
      if (!this.#over) parts.joined(this, join);
    });
    this.committer = new OffsetCommitter({
      logger,
      send: (offsets) => this.#commit(offsets),
      assigned: (name) => !this.#over && this.membership.join?.assigned.has(name) === true,
    });
    const { CRASH, STOP, DISCONNECT } = this.#consumer.events;
    const end = () => {
      this.#over = true;
    };
    this.#consumer.on(STOP, end);
    this.#consumer.on(DISCONNECT, end);
    this.#consumer.on(CRASH, ({ payload }) => {
      end();
      parts.crashed(this, payload.error);
    });
  }

  get over(): boolean {
    return this.#over;
  }

  /** Resolves when kafkajs runs, joined or crashed. Where it starts is always decided by a claim's seek. */
  async connect(signal: AbortSignal): Promise<void> {
    await this.#consumer.connect();
    for (const { topic } of this.#parts.request.topics) {
      if (signal.aborted) return;
      await this.#consumer.subscribe({ topic, fromBeginning: true });
    }
    if (signal.aborted) return;
    await this.#consumer.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      partitionsConsumedConcurrently: 16,
      eachBatch: async (payload) => {
        this.membership.heartbeatBy(payload.heartbeat);
        this.#commitOnce = payload.commitOffsetsIfNecessary;
        await this.#parts.batch(this, payload);
      },
    });
  }

  seek({ topic, partition }: AssignedPartition, offset: bigint): void {
    this.#tell(() => this.#consumer.seek({ topic, partition, offset: String(offset) }));
  }

  pause(...partitions: readonly AssignedPartition[]): void {
    this.#tell(() => this.#consumer.pause(partitions.map(only)));
  }

  resume(partition: AssignedPartition): void {
    this.#tell(() => this.#consumer.resume([only(partition)]));
  }

  /** Commits what is left, leaves the group and disconnects. May be called again. */
  async end(): Promise<void> {
    await this.committer.flushed();
    this.#over = true;
    try {
      await this.#consumer.disconnect();
    } catch (error) {
      this.#parts.logger.warn(`consumer did not disconnect in order: ${errorChain(error).join(' <- ')}`);
    }
  }

  /** By a batch's function where there was one: the other tries again by itself, perhaps in a later generation. */
  async #commit(offsets: readonly PartitionOffset[]): Promise<void> {
    if (this.#commitOnce === null) {
      await this.#consumer.commitOffsets(offsets.map((one) => ({ ...one, offset: String(one.next) })));
      return;
    }
    const topics = offsets.map(({ topic, partition, next }) => ({
      topic,
      partitions: [{ partition, offset: String(next) }],
    }));
    await this.#commitOnce({ topics: mergeTopics(topics) });
  }

  #tell(action: () => void): void {
    if (this.#over) return;
    try {
      action();
    } catch (error) {
      this.#over = true;
      this.#parts.logger.debug(`kafkajs runs no more: ${errorChain(error).join(' <- ')}`);
    }
  }
}

function only({ topic, partition }: AssignedPartition): { topic: string; partitions: number[] } {
  return { topic, partitions: [partition] };
}

interface TopicOffsets {
  readonly topic: string;
  readonly partitions: { partition: number; offset: string }[];
}

function mergeTopics(given: readonly TopicOffsets[]): TopicOffsets[] {
  const merged = new Map<string, TopicOffsets>();
  for (const { topic, partitions } of given) {
    const known = merged.get(topic);
    if (known === undefined) merged.set(topic, { topic, partitions: [...partitions] });
    else known.partitions.push(...partitions);
  }
  return [...merged.values()];
}
