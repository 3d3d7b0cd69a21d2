/**
 * What we ask of kafkajs's admin client: where logs begin and end, where groups stand, and a topic that is missing.
 * Steps 2 and 3 of an event's life.
 *
 * It changes nothing that exists, and takes nothing that is not answered for zero.
 */
import type { Admin } from 'kafkajs';
import type { ClientAdmin, LogBounds } from '../kafka-client.js';
import { protocolType } from '../kafka-errors.js';

export class KafkajsAdmin implements ClientAdmin {
  readonly #admin: Admin;

  constructor(admin: Admin) {
    this.#admin = admin;
  }

  connect(): Promise<void> {
    return this.#admin.connect();
  }

  async logBounds(topic: string): Promise<ReadonlyMap<number, LogBounds>> {
    const logs = await this.#admin.fetchTopicOffsets(topic);
    return new Map(
      logs.map(({ partition, low, high }) => [partition, { low: BigInt(low), high: BigInt(high) }]),
    );
  }

  async committed(group: string, topic: string): Promise<ReadonlyMap<number, bigint>> {
    const [answer] = await this.#admin.fetchOffsets({ groupId: group, topics: [topic] });
    return new Map(answer?.partitions.map(({ partition, offset }) => [partition, BigInt(offset)]));
  }

  async createTopic(topic: string, partitions: number): Promise<void> {
    await this.#admin.createTopics({ topics: [{ topic, numPartitions: partitions }] });
  }

  /** kafkajs asks for every topic there is, and rejects where one of them has no leader: that is an answer as well. */
  async ping(): Promise<void> {
    try {
      await this.#admin.describeCluster();
    } catch (error) {
      if (protocolType(error) !== 'LEADER_NOT_AVAILABLE') throw error;
    }
  }

  disconnect(): Promise<void> {
    return this.#admin.disconnect();
  }
}
