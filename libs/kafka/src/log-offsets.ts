/**
 * Asks Kafka where logs begin and end, and what the group has committed. Step 3 of an event's life.
 *
 * Callers of one topic share a request, but only one that began after they asked: a claim may rely on it. What the
 * answer does not hold is never taken for zero: it is an error, and the next request learns the topic anew.
 */
import { ExactlyOnceError } from '@exactly-once/core';
import type { ClientAdmin, KafkaClient, LogBounds } from './kafka-client.js';

export interface PartitionOffsets extends LogBounds {
  /** What the group has committed; `null` where it has nothing. */
  readonly committed: bigint | null;
}

type TopicOffsets = ReadonlyMap<number, PartitionOffsets>;

/** What `resetOffsets({ earliest: true })` of kafkajs commits instead of an offset, its own recovery too. */
const earliest = -2n;

export class LogOffsets {
  readonly #client: KafkaClient;
  readonly #group: string;
  readonly #topics = new Map<string, SharedRequest<TopicOffsets>>();
  #admin: Promise<ClientAdmin> | null = null;
  #closed = false;

  constructor(client: KafkaClient, group: string) {
    this.#client = client;
    this.#group = group;
  }

  /** As of a moment after the call. Throws EO_BROKER_UNAVAILABLE where the partition is not known. */
  async of(topic: string, partition: number): Promise<PartitionOffsets> {
    const shared = this.#topics.get(topic) ?? new SharedRequest(() => this.#ask(topic));
    this.#topics.set(topic, shared);
    const found = (await shared.fresh()).get(partition);
    if (found !== undefined) return found;
    await this.#forgetAdmin();
    throw new ExactlyOnceError(
      'EO_BROKER_UNAVAILABLE',
      `partition ${partition} of topic ${topic} is not known yet, or has no leader`,
    );
  }

  /** For good: a claim that still waits for an answer asks no further. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#forgetAdmin();
  }

  async #forgetAdmin(): Promise<void> {
    const admin = this.#admin;
    this.#admin = null;
    await (await admin?.catch(() => null))?.disconnect();
  }

  async #ask(topic: string): Promise<TopicOffsets> {
    const admin = await this.#connected();
    try {
      return await topicOffsets(admin, this.#group, topic);
    } catch (error) {
      // It may remember a topic that was deleted, and then answers for no other.
      await this.#forgetAdmin().catch(() => undefined);
      throw error;
    }
  }

  async #connected(): Promise<ClientAdmin> {
    if (this.#closed) throw new ExactlyOnceError('EO_SHUTTING_DOWN', 'the consumer has stopped');
    this.#admin ??= (async () => {
      const admin = this.#client.admin();
      await admin.connect();
      return admin;
    })();
    const connecting = this.#admin;
    try {
      return await connecting;
    } catch (error) {
      if (this.#admin === connecting) this.#admin = null;
      throw error;
    }
  }
}

/** A partition that Kafka does not answer for is missing. */
export async function topicOffsets(admin: ClientAdmin, group: string, topic: string): Promise<TopicOffsets> {
  const [logs, committed] = await Promise.all([admin.logBounds(topic), admin.committed(group, topic)]);
  const offsets = new Map<number, PartitionOffsets>();
  for (const [partition, { low, high }] of logs) {
    const offset = committed.get(partition);
    if (offset === undefined) continue;
    offsets.set(partition, {
      low,
      high,
      committed: offset === earliest ? low : offset < 0n ? null : offset,
    });
  }
  return offsets;
}

/** One request at a time. */
class SharedRequest<T> {
  readonly #ask: () => Promise<T>;
  #running: Promise<T> | null = null;
  #next: Promise<T> | null = null;

  constructor(ask: () => Promise<T>) {
    this.#ask = ask;
  }

  /** The answer to a request that begins now or later; never to one that is under way. */
  fresh(): Promise<T> {
    if (this.#next !== null) return this.#next;
    if (this.#running === null) return this.#start();
    this.#next = this.#running
      .catch(() => undefined)
      .then(() => {
        this.#next = null;
        return this.#start();
      });
    return this.#next;
  }

  #start(): Promise<T> {
    const running = this.#ask().finally(() => {
      if (this.#running === running) this.#running = null;
    });
    this.#running = running;
    return running;
  }
}
