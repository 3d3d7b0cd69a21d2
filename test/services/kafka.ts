/**
 * Kafka for tests: found or started, with topics and groups of the caller's own, and an independent reader.
 */
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { promisify } from 'node:util';
import { type Admin, Kafka, logLevel } from 'kafkajs';
import { dockerKafka } from './docker.js';
import { KafkaBroker, kafkaClasspath } from './kafka-broker.js';
import { answers, until } from './ports.js';

const run = promisify(execFile);

export interface DumpedRecord {
  readonly partition: number;
  readonly offset: bigint;
  readonly key: string | null;
  readonly headers: Readonly<Record<string, string>>;
  readonly value: string | null;
}

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

  /** A new topic with a name of its own; resolves when each partition has a leader. */
  async createTopic(prefix: string, { partitions = 1 }: { partitions?: number } = {}): Promise<string> {
    const topic = `${prefix}-${randomUUID().slice(0, 8)}`;
    await this.createNamedTopic(topic, partitions);
    return topic;
  }

  async createNamedTopic(topic: string, partitions: number): Promise<void> {
    await this.admin(async (admin) => {
      await admin.createTopics({ waitForLeaders: true, topics: [{ topic, numPartitions: partitions }] });
      await until(`topic ${topic} has leaders`, async () => {
        const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
        return (
          topics[0]?.partitions.length === partitions &&
          topics[0].partitions.every(({ leader }) => leader >= 0)
        );
      });
    });
    this.#topics.add(topic);
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
      const [answer] = await admin.fetchOffsets({ groupId: group, topics: [topic] });
      return new Map(answer!.partitions.map(({ partition, offset }) => [partition, BigInt(offset)]));
    });
  }

  async ends(topic: string): Promise<Map<number, bigint>> {
    return this.admin(async (admin) => {
      const offsets = await admin.fetchTopicOffsets(topic);
      return new Map(offsets.map(({ partition, high }) => [partition, BigInt(high)]));
    });
  }

  /**
   * Reads a topic to its end with Kafka's own console consumer. Counts its offsets first: it need not wait for more.
   * Where some hold no record (transaction markers, aborted records), it ends after `quietMs` without one; a broker
   * that is silent for longer than that looks the same, so the default (20,000) is long.
   */
  async dump(
    topic: string,
    { isolation, quietMs = 20_000 }: { isolation: 'read_committed' | 'read_uncommitted'; quietMs?: number },
  ): Promise<DumpedRecord[]> {
    const offsets = await this.admin((admin) => admin.fetchTopicOffsets(topic));
    const count = offsets.reduce((sum, { low, high }) => sum + BigInt(high) - BigInt(low), 0n);
    if (count === 0n) return [];
    const properties = ['partition', 'offset', 'key', 'headers', 'timestamp'].flatMap((name) => [
      '--formatter-property',
      `print.${name}=${name !== 'timestamp'}`,
    ]);
    const separators = [
      '--formatter-property',
      'key.separator=\u0001',
      '--formatter-property',
      'headers.separator=\u0002',
    ];
    const nulls = [
      '--formatter-property',
      'null.literal=\u0003',
      '--formatter-property',
      'line.separator=\u0004',
    ];
    const { stdout } = await run(
      'java',
      [
        ...['-Xmx256m', '-XX:TieredStopAtLevel=1', '-cp', await kafkaClasspath()],
        'org.apache.kafka.tools.consumer.ConsoleConsumer',
        ...['--bootstrap-server', this.brokers.join(','), '--topic', topic, '--from-beginning'],
        ...['--isolation-level', isolation, '--timeout-ms', String(quietMs)],
        ...['--max-messages', String(count)],
        ...properties,
        ...separators,
        ...nulls,
      ],
      { maxBuffer: 512 * 1024 * 1024, timeout: 120_000 },
    );
    return stdout
      .split('\u0004')
      .filter((line) => line.includes('\u0001'))
      .map(parseLine);
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

/** A group whose members have not timed out yet cannot be deleted; it has a name of its own and disturbs nobody. */
function ignoreBusyGroups(error: { type?: string; groups?: { errorCode?: number }[] }): void {
  if (!error.groups?.every(({ errorCode }) => errorCode === 68 || errorCode === 69)) throw error;
}

/** `Partition:0<sep>Offset:3<sep>headers<sep>key<sep>value`, in the order in which the formatter prints. */
function parseLine(line: string): DumpedRecord {
  const fields = line.split('\u0001');
  const partition = Number(fields[0]!.replace('Partition:', ''));
  const offset = BigInt(fields[1]!.replace('Offset:', ''));
  const [, , headers, key, ...value] = fields;
  return {
    partition,
    offset,
    key: orNull(key!),
    headers: parseHeaders(headers!),
    value: orNull(value.join('\u0001')),
  };
}

function parseHeaders(text: string): Record<string, string> {
  const headers: Record<string, string> = Object.create(null);
  if (text === 'NO_HEADERS') return headers;
  for (const pair of text.split('\u0002')) {
    const colon = pair.indexOf(':');
    headers[pair.slice(0, colon)] = pair.slice(colon + 1);
  }
  return headers;
}

function orNull(text: string): string | null {
  return text === '\u0003' ? null : text;
}
