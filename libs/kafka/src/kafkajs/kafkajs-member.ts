/**
 * A kafkajs consumer as a member of its group. Steps 3 and 7 of an event's life.
 *
 * `eachBatch` hands over and returns at once. kafkajs is never left to restart itself: its owner replaces it.
 */
import { ExactlyOnceError } from '@exactly-once/core';
import type { Consumer, ConsumerConfig, EachBatchPayload } from 'kafkajs';
import type {
  AssignedPartition,
  GroupMember,
  MemberListener,
  MembershipTimes,
  PartitionOffset,
} from '../kafka-client.js';
import { toDelivery } from './kafkajs-records.js';

export type ConsumerSettings = Omit<ConsumerConfig, 'groupId'> & MembershipTimes;

export class KafkajsMember implements GroupMember {
  readonly #consumer: Consumer;
  readonly #listener: MemberListener;
  /** Functions that kafkajs hands to each batch, of the latest one; `null` before the first. */
  #heartbeat: EachBatchPayload['heartbeat'] | null = null;
  #commitOnce: EachBatchPayload['commitOffsetsIfNecessary'] | null = null;
  /** Brokers that were asked for records and have not answered: kafkajs says nothing of a fetch that failed. */
  readonly #asked = new Set<number>();
  /** Commits that the group's coordinator has taken. */
  #taken = 0;

  constructor(consumer: Consumer, listener: MemberListener) {
    this.#consumer = consumer;
    this.#listener = listener;
    const { GROUP_JOIN, HEARTBEAT, REBALANCING, FETCH_START, FETCH, CRASH, STOP, DISCONNECT } =
      consumer.events;
    consumer.on(consumer.events.COMMIT_OFFSETS, () => this.#taken++);
    consumer.on(GROUP_JOIN, ({ payload: { memberId, memberAssignment } }) => {
      const assigned = Object.entries(memberAssignment).flatMap(([topic, partitions]) =>
        partitions.map((partition) => ({ topic, partition })),
      );
      this.#asked.clear();
      listener.joined(memberId, assigned);
    });
    consumer.on(HEARTBEAT, ({ payload }) => listener.heartbeat(payload.memberId, payload.groupGenerationId));
    consumer.on(REBALANCING, () => listener.rebalancing());
    consumer.on(FETCH_START, ({ payload: { nodeId } }) => {
      if (this.#asked.has(nodeId)) listener.interrupted();
      this.#asked.add(nodeId);
    });
    consumer.on(FETCH, ({ payload: { nodeId } }) => this.#asked.delete(nodeId));
    consumer.on(STOP, () => listener.ended());
    consumer.on(DISCONNECT, () => listener.ended());
    consumer.on(CRASH, ({ payload }) => listener.crashed(payload.error));
  }

  async start(topics: readonly string[], signal: AbortSignal): Promise<void> {
    await this.#consumer.connect();
    for (const topic of topics) {
      if (signal.aborted) return;
      await this.#consumer.subscribe({ topic, fromBeginning: true });
    }
    if (signal.aborted) return;
    await this.#consumer.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      partitionsConsumedConcurrently: 16,
      eachBatch: (payload) => this.#onBatch(payload),
    });
  }

  /** None is sent before the first batch: kafkajs hands the function for it to batches only. */
  async beat(): Promise<void> {
    await this.#heartbeat?.();
  }

  /**
   * By a batch's function where there was one: the other tries again by itself, perhaps in a later generation, and
   * resolves without a word to the coordinator where kafkajs stops or has crashed.
   */
  async commit(offsets: readonly PartitionOffset[]): Promise<void> {
    const before = this.#taken;
    await this.#send(offsets);
    if (this.#taken > before) return;
    throw new ExactlyOnceError('EO_BROKER_UNAVAILABLE', 'kafkajs runs no more: it has committed no offset');
  }

  seek({ topic, partition }: AssignedPartition, offset: bigint): void {
    this.#consumer.seek({ topic, partition, offset: String(offset) });
  }

  pause(partitions: readonly AssignedPartition[]): void {
    this.#consumer.pause(partitions.map(only));
  }

  resume(partition: AssignedPartition): void {
    this.#consumer.resume([only(partition)]);
  }

  async leave(): Promise<void> {
    await this.#consumer.disconnect();
  }

  async #send(offsets: readonly PartitionOffset[]): Promise<void> {
    if (this.#commitOnce === null) {
      const all = offsets.map(({ topic, partition, next }) => ({ topic, partition, offset: String(next) }));
      await this.#consumer.commitOffsets(all);
      return;
    }
    await this.#commitOnce({ topics: byTopic(offsets) });
  }

  /** Throws where a heartbeat says that the group rebalances: kafkajs then rejoins. */
  async #onBatch(payload: EachBatchPayload): Promise<void> {
    const { batch, heartbeat, resolveOffset, commitOffsetsIfNecessary, isStale, isRunning } = payload;
    this.#heartbeat = heartbeat;
    this.#commitOnce = commitOffsetsIfNecessary;
    if (!isRunning() || isStale()) return;
    const { topic, partition } = batch;
    const taken = this.#listener.fetched({
      topic,
      partition,
      deliveries: batch.messages.map((message) => toDelivery(topic, partition, message)),
      next: BigInt(batch.lastOffset()) + 1n,
      highWatermark: BigInt(batch.highWatermark),
    });
    if (taken) resolveOffset(batch.lastOffset());
    await heartbeat();
  }
}

function only({ topic, partition }: AssignedPartition): { topic: string; partitions: number[] } {
  return { topic, partitions: [partition] };
}

interface TopicOffsets {
  readonly topic: string;
  readonly partitions: { partition: number; offset: string }[];
}

function byTopic(offsets: readonly PartitionOffset[]): TopicOffsets[] {
  const topics = new Map<string, TopicOffsets>();
  for (const { topic, partition, next } of offsets) {
    const known = topics.get(topic) ?? { topic, partitions: [] };
    known.partitions.push({ partition, offset: String(next) });
    topics.set(topic, known);
  }
  return [...topics.values()];
}
