/**
 * Where the shards of outboxes stand at the broker: the token of each one's last committed batch, kept as a group's
 * offset. Step 2 of an event's life, exactly once.
 *
 * The offset is part of the batch's transaction. It counts nothing, and the topic that it is said to be of holds nothing:
 * the topic only has to exist. Kafka forgets it as it forgets any group's without members (offsets.retention.minutes).
 */
import { type Clock, ExactlyOnceError, type OutboxShard } from '@exactly-once/core';
import type { ClientAdmin, KafkaClient } from '../kafka-client.js';
import { brokerUnavailable, protocolType } from '../kafka-errors.js';
import type { BatchEnd } from '../transactions/transactional-producer.js';

/** Milliseconds that a coordinator gets to apply what was committed: before Kafka 4 it does so after the answer. */
const applyMs = 1_000;

export class OutboxProgress {
  readonly topic: string;
  readonly #clock: Clock;
  readonly #client: KafkaClient;
  readonly #prefix: string;
  #admin: Promise<ClientAdmin> | null = null;

  /** All that it names at the broker begins with `prefix` and a dot. */
  constructor(client: KafkaClient, prefix: string, clock: Clock) {
    this.#client = client;
    this.#clock = clock;
    this.#prefix = prefix;
    this.topic = `${prefix}.progress`;
  }

  /** A shard's transactional id, and the group whose offset is its progress. */
  nameOf({ outbox, shard }: OutboxShard): string {
    return `${this.#prefix}.${outbox}.${shard}`;
  }

  endOf(shard: OutboxShard, token: bigint): BatchEnd {
    return { group: this.nameOf(shard), topic: this.topic, partition: 0, next: token };
  }

  /**
   * `null` where no token is known. Makes the topic where it is missing. Certain only while no transaction of the shard
   * is open. What is in doubt and not shown is looked for twice. Throws EO_BROKER_UNAVAILABLE.
   */
  async committed(shard: OutboxShard, inDoubt: readonly bigint[]): Promise<bigint | null> {
    const token = await this.#committed(shard);
    if (inDoubt.length === 0 || (token !== null && inDoubt.includes(token))) return token;
    await this.#clock.sleep(applyMs);
    return this.#committed(shard);
  }

  /** Its topic is there: a producer can ask for it. */
  async ensure(shard: OutboxShard): Promise<void> {
    await this.#committed(shard);
  }

  async stop(): Promise<void> {
    const admin = this.#admin;
    this.#admin = null;
    const connected = await admin?.catch(() => null); // whoever asked was told
    await connected?.disconnect().catch(() => undefined); // nothing hangs on it
  }

  async #committed(shard: OutboxShard): Promise<bigint | null> {
    try {
      const admin = await this.#connected();
      const token = (await this.#ask(admin, shard)).get(0);
      if (token !== undefined) return token < 0n ? null : token;
    } catch (cause) {
      await this.stop();
      if (cause instanceof ExactlyOnceError) throw cause;
      throw brokerUnavailable(`the progress of ${this.nameOf(shard)} is not known`, cause);
    }
    await this.stop();
    throw new ExactlyOnceError('EO_BROKER_UNAVAILABLE', `topic "${this.topic}" is not known yet`);
  }

  async #ask(admin: ClientAdmin, shard: OutboxShard): Promise<ReadonlyMap<number, bigint>> {
    const group = this.nameOf(shard);
    try {
      return await admin.committed(group, this.topic);
    } catch (error) {
      if (protocolType(error) !== 'UNKNOWN_TOPIC_OR_PARTITION') throw error;
    }
    try {
      await admin.createTopic(this.topic, 1);
    } catch (cause) {
      const what = `topic "${this.topic}" is missing, and could not be made: make it with one partition`;
      throw brokerUnavailable(what, cause);
    }
    return admin.committed(group, this.topic);
  }

  async #connected(): Promise<ClientAdmin> {
    this.#admin ??= (async () => {
      const admin = this.#client.admin();
      await admin.connect();
      return admin;
    })();
    return this.#admin;
  }
}
