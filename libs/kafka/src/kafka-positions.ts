/**
 * Where a group stands at Kafka, for a rewind. It connects when it is first asked.
 *
 * Moves no group that has members.
 */
import { ExactlyOnceError, type GroupPositions, type PartitionStanding } from '@exactly-once/core';
import type { ClientAdmin, KafkaClient } from './kafka-client.js';
import { protocolType } from './kafka-errors.js';
import { type PartitionOffsets, topicOffsets } from './log-offsets.js';

/** A topic that is not there has no partitions. */
function noTopic(error: unknown): ReadonlyMap<number, PartitionOffsets> {
  if (protocolType(error) === 'UNKNOWN_TOPIC_OR_PARTITION') return new Map();
  throw error;
}

export class KafkaPositions implements GroupPositions {
  readonly #client: KafkaClient;
  #admin: Promise<ClientAdmin> | null = null;

  constructor(client: KafkaClient) {
    this.#client = client;
  }

  async members(group: string): Promise<readonly string[]> {
    return (await this.#connected()).members(group);
  }

  async standing(group: string, topic: string): Promise<ReadonlyMap<number, PartitionStanding>> {
    const found = await topicOffsets(await this.#connected(), group, topic).catch(noTopic);
    return new Map(
      [...found].map(([partition, { committed, ...bounds }]) => [partition, { ...bounds, next: committed }]),
    );
  }

  async at(topic: string, timeMs: number): Promise<ReadonlyMap<number, bigint>> {
    return (await this.#connected()).offsetsAt(topic, timeMs);
  }

  async move(group: string, topic: string, offsets: ReadonlyMap<number, bigint>): Promise<void> {
    await (await this.#connected()).setOffsets(group, topic, offsets);
  }

  async close(): Promise<void> {
    const admin = this.#admin;
    this.#admin = null;
    await (await admin?.catch(() => null))?.disconnect();
  }

  async #connected(): Promise<ClientAdmin> {
    this.#admin ??= (async () => {
      const admin = this.#client.admin();
      await admin.connect();
      return admin;
    })();
    try {
      return await this.#admin;
    } catch (cause) {
      this.#admin = null;
      throw new ExactlyOnceError('EO_BROKER_UNAVAILABLE', 'Kafka did not answer', { cause });
    }
  }
}
