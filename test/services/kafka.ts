/**
 * Kafka for tests: found or started, with topics and groups of the caller's own, and an independent reader.
 */
import { randomUUID } from 'node:crypto';
import { type Admin, Kafka, logLevel } from 'kafkajs';
import { type DumpedRecord, type DumpOptions, readRecords } from './console-consumer.js';
import { dockerKafka } from './docker.js';
import { KafkaBroker } from './kafka-broker.js';
import { answers, until } from './ports.js';

export type { DumpedRecord };

export class KafkaCluster {
  readonly #topics = new Set<string>();
  readonly #groups: string[] = [];
  readonly client: Kafka;

  constructor(
    readonly brokers: string[],
    readonly end: () => Promise<void>,
  ) {
    this.client = new Kafka({ clientId: 'test', brokers, logLevel: logLevel.NOTHING });
  }

  /** The same brokers for somebody who cleans up after itself alone. */
  apart(): KafkaCluster {
    return new KafkaCluster(this.brokers, async () => undefined);
  }

  /** A new topic with a name of its own; resolves when each partition has a leader. */
  async createTopic(prefix: string, { partitions = 1 }: { partitions?: number } = {}): Promise<string> {
    const topic = `${prefix}-${randomUUID().slice(0, 8)}`;
    await this.createNamedTopic(topic, partitions);
    return topic;
  }

  async createNamedTopic(topic: string, partitions: number): Promise<void> {
    await this.admin(async (admin) => {
      await admin.createTopics({ waitForLeaders: false, topics: [{ topic, numPartitions: partitions }] });
      await until(`topic ${topic} has leaders`, async () => {
        const known = await admin.fetchTopicMetadata({ topics: [topic] }).catch(notYetKnown);
        const found = known?.topics[0]?.partitions ?? [];
        return found.length === partitions && found.every(({ leader }) => leader >= 0);
      });
    });
    this.#topics.add(topic);
  }

  /** Deletes a topic, and makes another of that name with one partition. */
  async recreateTopic(topic: string): Promise<void> {
    await this.admin((admin) => admin.deleteTopics({ topics: [topic] }));
    await until('the topic is gone', () =>
      this.admin(async (admin) => !(await admin.listTopics()).includes(topic)),
    );
    await this.createNamedTopic(topic, 1);
  }

  /** A name of its own for a consumer group; deleted by `cleanUp`. */
  group(prefix: string): string {
    const group = `${prefix}-${randomUUID().slice(0, 8)}`;
    this.#groups.push(group);
    return group;
  }

  async admin<T>(work: (admin: Admin) => Promise<T>): Promise<T> {
    const admin = this.client.admin();
    await admin.connect();
    try {
      return await work(admin);
    } finally {
      await admin.disconnect();
    }
  }

  /** Next offset that the group has committed; -1 where it has none. */
  async committed(group: string, topic: string): Promise<Map<number, bigint>> {
    return this.admin(async (admin) => {
      let partitions: { readonly partition: number; readonly offset: string }[] | undefined;
      await until(`the coordinator of ${group} answers`, async () => {
        const answer = await admin.fetchOffsets({ groupId: group, topics: [topic] }).catch(notYetKnown);
        partitions = answer?.[0]?.partitions;
        return partitions !== undefined;
      });
      return new Map(partitions!.map(({ partition, offset }) => [partition, BigInt(offset)]));
    });
  }

  async ends(topic: string): Promise<Map<number, bigint>> {
    return this.admin(async (admin) => {
      const offsets = await admin.fetchTopicOffsets(topic);
      return new Map(offsets.map(({ partition, high }) => [partition, BigInt(high)]));
    });
  }

  /**
   * Reads a topic to its end, as it is now, with Kafka's own console consumer. Where a transaction is open, it reads to
   * there at `read_committed`, after 20 s without a record.
   */
  async dump(topic: string, options: DumpOptions): Promise<DumpedRecord[]> {
    const records: DumpedRecord[] = [];
    await this.read(topic, options, (record) => records.push(record));
    return records;
  }

  /** The same, for more than fits into memory. */
  async read(topic: string, options: DumpOptions, take: (record: DumpedRecord) => void): Promise<void> {
    await this.admin(async (admin) => {
      const offsets = await admin.fetchTopicOffsets(topic);
      const count = offsets.reduce((sum, { low, high }) => sum + Number(BigInt(high) - BigInt(low)), 0);
      if (count === 0) return;
      const group = this.group('dump');
      const passed = async () => {
        const answer = await admin.fetchOffsets({ groupId: group, topics: [topic] }).catch(notYetKnown);
        const positions = new Map(answer?.[0]?.partitions.map((at) => [at.partition, BigInt(at.offset)]));
        const within = ({ low, high, partition }: (typeof offsets)[number]) =>
          low === high || (positions.get(partition) ?? -1n) >= BigInt(high);
        return offsets.every(within);
      };
      await readRecords({ brokers: this.brokers, topic, group, count, passed, ...options }, take);
    });
  }

  /** Deletes the topics and groups that were made here. */
  async cleanUp(): Promise<void> {
    await this.admin(async (admin) => {
      const topics = [...this.#topics];
      this.#topics.clear();
      if (topics.length > 0) await admin.deleteTopics({ topics });
      const { groups } = await admin.listGroups();
      const present = this.#groups
        .splice(0)
        .filter((group) => groups.some(({ groupId }) => groupId === group));
      if (present.length > 0) await admin.deleteGroups(present).catch(ignoreBusyGroups);
    });
  }

  /** Cleans up, and ends the broker where it was started here. */
  async stop(): Promise<void> {
    await this.cleanUp();
    await this.end();
  }
}

/** In this order: EO_KAFKA_BROKERS, 127.0.0.1:9092, Docker, a broker of our own. */
export async function findKafka(): Promise<KafkaCluster> {
  const given = process.env['EO_KAFKA_BROKERS'];
  if (given) return new KafkaCluster(given.split(','), nothing);
  if (await answers('127.0.0.1', 9092)) return new KafkaCluster(['127.0.0.1:9092'], nothing);
  const container = await dockerKafka();
  if (container !== null) return new KafkaCluster([container.address], container.stop);
  try {
    const broker = await KafkaBroker.start();
    return new KafkaCluster([broker.address], () => broker.stop());
  } catch (cause) {
    const choices =
      'set EO_KAFKA_BROKERS, start Kafka on 127.0.0.1:9092, start Docker, or install Java 17 and Maven';
    throw new Error(`no Kafka to be had: ${choices}`, { cause });
  }
}

async function nothing(): Promise<void> {}

/** A topic that was just made is not known everywhere at once, nor is a group on a broker that has just started. */
function notYetKnown(error: { retriable?: boolean }): null {
  if (error.retriable !== true) throw error;
  return null;
}

/** A group whose members have not timed out yet cannot be deleted; it has a name of its own and disturbs nobody. */
function ignoreBusyGroups(error: { type?: string; groups?: { errorCode?: number }[] }): void {
  if (!error.groups?.every(({ errorCode }) => errorCode === 68 || errorCode === 69)) throw error;
}
