/**
 * The log of the database broker, in memory: topics of partitions, positions by the in-memory fences.
 *
 * Keeps nothing beyond the process, and needs no lock: nothing else runs while it appends.
 */
import {
  type Clock,
  type Delivery,
  ExactlyOnceError,
  type GroupMember,
  type LogEnds,
  type LogPosition,
  type LogRecord,
  type LogStore,
  type ReadBounds,
} from '@exactly-once/core';
import type { InMemoryFences } from './in-memory-stores.js';

interface Partition {
  first: bigint;
  next: bigint;
  records: Delivery[];
}

export class InMemoryLog implements LogStore {
  readonly #topics = new Map<string, Partition[]>();
  readonly #members = new Map<string, Map<string, GroupMember & { untilMs: number }>>();

  constructor(
    readonly clock: Clock,
    readonly fences: InMemoryFences,
  ) {}

  async createTopics(topics: readonly string[], partitions: number): Promise<void> {
    for (const topic of topics) {
      if (this.#topics.has(topic)) continue;
      const fresh = () => ({ first: 0n, next: 0n, records: [] });
      this.#topics.set(topic, Array.from({ length: partitions }, fresh));
    }
  }

  async append(records: readonly LogRecord[]): Promise<LogPosition[]> {
    for (const { topic } of records) {
      if (!this.#topics.has(topic)) throw new ExactlyOnceError('EO_TOPIC_MISSING', `topic "${topic}"`);
    }
    return records.map((record) => this.#appendOne(record));
  }

  async read(from: LogPosition, { maxEvents, maxBytes }: ReadBounds): Promise<Delivery[]> {
    const records = this.#topics.get(from.topic)?.[from.partition]?.records ?? [];
    const next = records.filter(({ offset }) => offset >= from.offset).slice(0, maxEvents);
    let bytes = 0;
    const end = next.findIndex(({ body }, index) => {
      const fits = index === 0 || bytes < maxBytes;
      bytes += body?.length ?? 0;
      return !fits;
    });
    return end === -1 ? next : next.slice(0, end);
  }

  async ends(topics: readonly string[]): Promise<LogEnds[]> {
    return [...topics].sort().flatMap((topic) => {
      const partitions = this.#topics.get(topic) ?? [];
      return partitions.map(({ first, next }, partition) => ({ topic, partition, first, next }));
    });
  }

  async offsetsAt(topic: string, timeMs: number): Promise<LogPosition[]> {
    const partitions = this.#topics.get(topic) ?? [];
    return partitions.map(({ records, next }, partition) => {
      const found = records.find(({ timestampMs }) => timestampMs >= timeMs);
      return { topic, partition, offset: found?.offset ?? next };
    });
  }

  async join(group: string, member: GroupMember, sessionTimeoutMs: number): Promise<GroupMember[]> {
    const nowMs = this.clock.now();
    const living = [...(this.#members.get(group)?.values() ?? [])].filter(({ untilMs }) => untilMs > nowMs);
    const members = new Map(living.map((one) => [one.name, one]));
    members.set(member.name, { ...member, untilMs: nowMs + sessionTimeoutMs });
    this.#members.set(group, members);
    const all = [...members.values()].map(({ name, topics }) => ({ name, topics }));
    return all.sort((one, other) => (one.name < other.name ? -1 : 1));
  }

  async members(group: string): Promise<GroupMember[]> {
    const nowMs = this.clock.now();
    const living = [...(this.#members.get(group)?.values() ?? [])].filter(({ untilMs }) => untilMs > nowMs);
    const all = living.map(({ name, topics }) => ({ name, topics }));
    return all.sort((one, other) => (one.name < other.name ? -1 : 1));
  }

  async leave(group: string, name: string): Promise<void> {
    this.#members.get(group)?.delete(name);
  }

  async deleteOlderThan(olderThanMs: number, limit: number): Promise<number> {
    const before = this.clock.now() - olderThanMs;
    let deleted = 0;
    for (const [topic, partitions] of this.#topics) {
      for (const [number, partition] of partitions.entries()) {
        const passed = this.fences.passed(topic, number) ?? partition.next;
        for (let [oldest] = partition.records; oldest !== undefined; [oldest] = partition.records) {
          if (deleted === limit || oldest.offset >= passed || oldest.timestampMs >= before) break;
          partition.records.shift();
          partition.first = oldest.offset + 1n;
          deleted++;
        }
      }
    }
    return deleted;
  }

  #appendOne({ topic, key, hash, headers, body }: LogRecord): LogPosition {
    const partitions = this.#topics.get(topic)!;
    const partition = (hash >>> 0) % partitions.length;
    const target = partitions[partition]!;
    const offset = target.next++;
    const bytes: Record<string, Uint8Array> = Object.create(null);
    for (const [name, value] of Object.entries(headers)) bytes[name] = Buffer.from(value as string);
    target.records.push({
      topic,
      partition,
      offset,
      key,
      headers: bytes,
      body,
      timestampMs: this.clock.now(),
    });
    return { topic, partition, offset };
  }
}
