/**
 * The log of the database broker on PostgreSQL. Steps 2 and 3 of an event's life.
 *
 * One statement appends; what it has not committed nobody sees.
 */
import {
  type Delivery,
  ExactlyOnceError,
  type GroupMember,
  type LogEnds,
  type LogPosition,
  type LogRecord,
  type LogStore,
  type ReadBounds,
} from '@exactly-once/core';
import {
  appendLogSql,
  createTopicsSql,
  endsSql,
  forgetLogSql,
  joinSql,
  leaveSql,
  membersSql,
  offsetsAtSql,
  partitionCountsSql,
  readLogSql,
  topicLockSql,
} from './log.sql.js';
import { sqlState } from './postgres-errors.js';
import type { PostgresPool } from './postgres-pool.js';

interface Placed {
  readonly record: LogRecord;
  readonly partition: number;
  /** Counts from 0 within the partition. */
  readonly rank: number;
}

const notNullViolation = '23502';

export class PostgresLogStore implements LogStore {
  /** A topic's partitions never change. */
  readonly #partitions = new Map<string, number>();

  constructor(readonly pool: PostgresPool) {}

  async createTopics(topics: readonly string[], partitions: number): Promise<void> {
    const missing = await this.#unknown(topics);
    if (missing.length === 0) return;
    const { tables } = this.pool;
    await this.pool.transaction(async (query) => {
      await query(topicLockSql(tables));
      await query(createTopicsSql(tables), [missing, partitions]);
    });
    await this.#unknown(missing);
  }

  async append(records: readonly LogRecord[]): Promise<LogPosition[]> {
    if (records.length === 0) return [];
    const [missing] = await this.#unknown([...new Set(records.map(({ topic }) => topic))]);
    if (missing !== undefined) throw missingTopic(missing);
    const placed = this.#place(records);
    const bases = await this.#append(placed);
    return placed.map(({ record: { topic }, partition, rank }) => {
      return { topic, partition, offset: bases.get(slot(topic, partition))! + BigInt(rank) };
    });
  }

  async read(from: LogPosition, { maxEvents, maxBytes }: ReadBounds): Promise<Delivery[]> {
    const { topic, partition } = from;
    const values = [topic, partition, String(from.offset), maxEvents, maxBytes];
    const { rows } = await this.pool.query(readLogSql(this.pool.tables), values);
    return rows.map((row) => ({
      topic,
      partition,
      offset: BigInt(row.offset),
      key: row.key,
      headers: headersOf(row.headers),
      body: row.body,
      timestampMs: Number(row.at_ms),
    }));
  }

  async ends(topics: readonly string[]): Promise<LogEnds[]> {
    const { rows } = await this.pool.query(endsSql(this.pool.tables), [topics]);
    return rows.map(({ topic, partition, first_offset, next_offset }) => {
      return { topic, partition, first: BigInt(first_offset), next: BigInt(next_offset) };
    });
  }

  async join(group: string, member: GroupMember, sessionTimeoutMs: number): Promise<GroupMember[]> {
    const values = [group, member.name, member.topics, sessionTimeoutMs];
    const { rows } = await this.pool.query(joinSql(this.pool.tables), values);
    return rows.map(({ name, topics }) => ({ name, topics }));
  }

  async offsetsAt(topic: string, timeMs: number): Promise<LogPosition[]> {
    const { rows } = await this.pool.query(offsetsAtSql(this.pool.tables), [topic, timeMs]);
    return rows.map(({ partition, offset }) => ({ topic, partition, offset: BigInt(offset) }));
  }

  async members(group: string): Promise<GroupMember[]> {
    const { rows } = await this.pool.query(membersSql(this.pool.tables), [group]);
    return rows.map(({ name, topics }) => ({ name, topics }));
  }

  async leave(group: string, name: string): Promise<void> {
    await this.pool.query(leaveSql(this.pool.tables), [group, name]);
  }

  async deleteOlderThan(olderThanMs: number, limit: number): Promise<number> {
    const { rows } = await this.pool.query(forgetLogSql(this.pool.tables), [olderThanMs, limit]);
    return rows[0].deleted;
  }

  /** Those of the topics that do not exist; learns about the others. */
  async #unknown(topics: readonly string[]): Promise<string[]> {
    const unknown = topics.filter((topic) => !this.#partitions.has(topic));
    if (unknown.length === 0) return [];
    const { rows } = await this.pool.query(partitionCountsSql(this.pool.tables), [unknown]);
    for (const { topic, partitions } of rows) this.#partitions.set(topic, partitions);
    return unknown.filter((topic) => !this.#partitions.has(topic));
  }

  #place(records: readonly LogRecord[]): Placed[] {
    const ranks = new Map<string, number>();
    return records.map((record) => {
      const partition = (record.hash >>> 0) % this.#partitions.get(record.topic)!;
      const rank = ranks.get(slot(record.topic, partition)) ?? 0;
      ranks.set(slot(record.topic, partition), rank + 1);
      return { record, partition, rank };
    });
  }

  async #append(placed: readonly Placed[]): Promise<Map<string, bigint>> {
    const records = placed.map(({ record }) => record);
    const values = [
      records.map(({ topic }) => topic),
      placed.map(({ partition }) => partition),
      placed.map(({ rank }) => rank),
      records.map(({ key }) => (key === null ? null : Buffer.from(key))),
      records.map(({ headers }) => writtenHeaders(headers)),
      records.map(({ body }) => (body === null ? null : Buffer.from(body))),
    ];
    try {
      const { rows } = await this.pool.query(appendLogSql(this.pool.tables), values);
      return new Map(rows.map(({ topic, partition, base }) => [slot(topic, partition), BigInt(base)]));
    } catch (error) {
      if (sqlState(error) !== notNullViolation) throw error;
      this.#partitions.clear();
      throw missingTopic(records.map(({ topic }) => topic).join(', '), error);
    }
  }
}

function slot(topic: string, partition: number): string {
  return `${partition} ${topic}`;
}

function missingTopic(topic: string, cause?: unknown): ExactlyOnceError {
  return new ExactlyOnceError('EO_TOPIC_MISSING', `topic "${topic}" is not in the log of this database`, {
    cause,
  });
}

/** JSON: a list of [name, text] or, where the value is no text, [name, { base64 }]. */
function writtenHeaders(headers: LogRecord['headers']): Buffer {
  const pairs = Object.entries(headers).map(([name, value]) =>
    typeof value === 'string' ? [name, value] : [name, { base64: Buffer.from(value).toString('base64') }],
  );
  return Buffer.from(JSON.stringify(pairs));
}

/** Without a prototype, so that a header may be named like one of its members. */
function headersOf(json: Buffer): Record<string, Uint8Array> {
  const headers: Record<string, Uint8Array> = Object.create(null);
  for (const [name, value] of JSON.parse(json.toString('utf8')) as [string, string | { base64: string }][]) {
    headers[name] = typeof value === 'string' ? Buffer.from(value) : Buffer.from(value.base64, 'base64');
  }
  return headers;
}
