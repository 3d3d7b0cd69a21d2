/**
 * The log that makes a database a broker: topics of partitions, each an ordered, gap-free sequence of records, and
 * the members of the groups that read them.
 *
 * Positions of the groups are fences (`inbox/fence-store.ts`). The log acknowledges nothing and forgets only what
 * every group has passed.
 */
import type { Delivery } from '../broker/delivery.js';

/** A record to be appended. */
export interface LogRecord {
  readonly topic: string;
  readonly key: Uint8Array | null;
  /** 32-bit hash of the key; says the partition: `hash mod partitions`, never negative. */
  readonly hash: number;
  /** Values that are no text are bytes. */
  readonly headers: Readonly<Record<string, string | Uint8Array>>;
  readonly body: Uint8Array | null;
}

export interface LogPosition {
  readonly topic: string;
  readonly partition: number;
  readonly offset: bigint;
}

export interface LogEnds {
  readonly topic: string;
  readonly partition: number;
  /** Offset of the oldest record that is kept; equals `next` where there is none. */
  readonly first: bigint;
  /** Offset that the next record gets. From 0, without gaps. */
  readonly next: bigint;
}

/** What is read at once: at least one record where there is one, however large. */
export interface ReadBounds {
  readonly maxEvents: number;
  readonly maxBytes: number;
}

export interface GroupMember {
  readonly name: string;
  readonly topics: readonly string[];
}

export interface LogStore {
  /** Makes the topics that do not exist, with that many partitions; the others keep what they have. */
  createTopics(topics: readonly string[], partitions: number): Promise<void>;
  /**
   * Appends in a transaction of its own, all or none, in the order given within a partition, and says where each
   * record stands. Offsets of a partition are given under a lock that is held until commit, partitions in one
   * order: a reader never sees a record before all that stand before it. Throws EO_TOPIC_MISSING where a topic
   * does not exist.
   */
  append(records: readonly LogRecord[]): Promise<LogPosition[]>;
  /** Records of one partition from `from` on, in order. */
  read(from: LogPosition, bounds: ReadBounds): Promise<Delivery[]>;
  /** Of every partition of those topics that exist, by topic and partition. */
  ends(topics: readonly string[]): Promise<LogEnds[]>;
  /** Of each partition the first record that is not older than that time (milliseconds since the epoch), else its end. */
  offsetsAt(topic: string, timeMs: number): Promise<LogPosition[]>;
  /**
   * Says that a member of the group lives, for `sessionTimeoutMs` milliseconds by the database's clock, and
   * returns all that live, by name, it among them. Forgets the dead.
   */
  join(group: string, member: GroupMember, sessionTimeoutMs: number): Promise<GroupMember[]>;
  /** Members of the group that live by the database's clock, by name. Says of nobody that it lives. */
  members(group: string): Promise<GroupMember[]>;
  /** Takes a member out at once. */
  leave(group: string, name: string): Promise<void>;
  /**
   * Deletes at most `limit` records older than `olderThanMs` milliseconds that every group with a position has
   * passed, oldest first within a partition, and returns how many.
   */
  deleteOlderThan(olderThanMs: number, limit: number): Promise<number>;
}
