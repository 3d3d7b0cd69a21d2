/**
 * The database broker from outside: statements of an operator's own on the tables of the run's database.
 *
 * Goes with the database.
 */
import { randomUUID } from 'node:crypto';
import type { DumpedRecord } from '../../services/kafka.js';
import type { TestDatabase } from '../../services/postgres.js';
import type { BrokerGround } from './broker-ground.js';
import {
  addPartitionsSql,
  createTopicSql,
  dumpSql,
  endsSql,
  forgetGroupSql,
  membersSql,
  positionsSql,
  rewindSql,
} from './log.sql.js';

/** Twice the least that the broker takes, so that a busy machine does not look like a dead process. */
const sessionTimeoutMs = 2_000;

const unique = (prefix: string) => `${prefix}-${randomUUID().slice(0, 8)}`;

export function databaseGround(database: TestDatabase): BrokerGround {
  const byPartition = async (sql: string, values: unknown[]) => {
    const rows = await database.query(sql, values);
    return new Map(rows.map(({ partition, next_offset: next }) => [partition as number, BigInt(next)]));
  };
  return {
    name: 'database',
    sessionTimeoutMs,
    addresses: [],
    group: unique,
    createTopic: async (prefix, partitions) => {
      const topic = unique(prefix);
      await database.query(createTopicSql, [topic, partitions]);
      return topic;
    },
    committed: (group, topic) => byPartition(positionsSql, [group, topic]),
    ends: (topic) => byPartition(endsSql, [topic]),
    dump: async (topic) => ((await database.query(dumpSql, [topic])) as LogRow[]).map(dumped),
    read: async (topic, take) => {
      for (const row of (await database.query(dumpSql, [topic])) as LogRow[]) take(dumped(row));
    },
    isAbandoned: async (group) => (await database.query(membersSql, [group]))[0].count === 0,
    rewind: async (group, topic, byNumber) => {
      await database.query(byNumber ? rewindSql : forgetGroupSql, [group, topic]);
    },
    addPartitions: async (topic, total) => {
      await database.query(addPartitionsSql, [topic, total]);
    },
    cleanUp: async () => undefined,
  };
}

interface LogRow {
  readonly partition: number;
  readonly offset: string;
  readonly key: string | null;
  readonly value: string | null;
  /** JSON: a list of [name, value]. */
  readonly headers: string;
}

function dumped({ partition, offset, key, headers, value }: LogRow): DumpedRecord {
  return { partition, offset: BigInt(offset), key, headers: Object.fromEntries(JSON.parse(headers)), value };
}
