/**
 * The port behind which a Kafka client stands: what consumer, publisher and transactions ask of one, and no more.
 * Its conformance suite is `describeKafkaClient` in the test kit.
 *
 * Where a broker has answered with an error, the client's error, or a `cause` of it, has the protocol's name of that as
 * `type` (`UNKNOWN_TOPIC_OR_PARTITION`).
 */
import type { Delivery } from '@exactly-once/core';

/** The connection was closed while a request waited for its answer: it is not known whether it was carried out. */
export class ConnectionClosedError extends Error {
  override readonly name = 'ConnectionClosedError';
}

export interface AssignedPartition {
  readonly topic: string;
  readonly partition: number;
}

export interface PartitionOffset extends AssignedPartition {
  /** Offset of the next record to process. */
  readonly next: bigint;
}

/** Milliseconds. */
export interface MembershipTimes {
  /** Without a heartbeat for as long, the broker gives the partitions away. */
  readonly sessionTimeout: number;
  /** That a rebalance may take. */
  readonly rebalanceTimeout: number;
  /** Between two heartbeats. */
  readonly heartbeatInterval: number;
}

export interface KafkaClient {
  readonly times: MembershipTimes;
  /** A member of the group, that has not joined yet. It reads committed records only. */
  member(group: string, listener: MemberListener): GroupMember;
  /**
   * Idempotent, `acks=all`, in order. `topics`: that it is for, so that no other one matters when it connects; all of them
   * are there. Left out: none is known yet.
   */
  producer(topics?: readonly string[]): ClientProducer;
  transactionalProducer(transactionalId: string, topics?: readonly string[]): ClientTransactionalProducer;
  /** `retries`: of a request; the client's own default where left out. */
  admin(options?: { readonly retries: number }): ClientAdmin;
}

export interface FetchedRecords extends AssignedPartition {
  /** In order, as many as there are. */
  readonly deliveries: readonly Delivery[];
  /** Offset after them: records that nobody sees (transaction markers) may stand before it. */
  readonly next: bigint;
  /** Offset after the last record of the log. */
  readonly highWatermark: bigint;
}

/** What a member tells. Nothing of an assignment comes after the next `joined`, and none after `ended`. */
export interface MemberListener {
  /** With each join, the first included; before anything of it is fetched. */
  joined(memberId: string, assigned: readonly AssignedPartition[]): void;
  /** The broker has confirmed the member in that generation. */
  heartbeat(memberId: string, generation: number): void;
  rebalancing(): void;
  /** Returns at once. False: not taken, the same will be fetched again. */
  fetched(records: FetchedRecords): boolean;
  /**
   * A fetch failed, or its connection was lost, and no join follows: what is fetched from now on may be of another log.
   * Before the next fetch, which a `seek` in here decides.
   */
  interrupted(): void;
  /** It has given up, and does not begin again by itself. */
  crashed(error: Error): void;
  ended(): void;
}

export interface GroupMember {
  /** Connects and joins; resolves when it runs. Where it begins is undefined until `seek`. */
  start(topics: readonly string[], signal: AbortSignal): Promise<void>;
  /** Sends a heartbeat where one is due. Rejects where the broker refuses it. */
  beat(): Promise<void>;
  /** One attempt, as a member of the present generation. Rejects where the coordinator has not taken it. */
  commit(offsets: readonly PartitionOffset[]): Promise<void>;
  /** The next fetch of the partition begins there; what was fetched before is not handed over any more. */
  seek(partition: AssignedPartition, offset: bigint): void;
  /** Nothing of them is handed over until they are resumed. */
  pause(partitions: readonly AssignedPartition[]): void;
  resume(partition: AssignedPartition): void;
  /** Leaves the group and disconnects. May be called again. */
  leave(): Promise<void>;
}

export interface ClientMessage {
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: Readonly<Record<string, Buffer | string>>;
}

export interface TopicMessages {
  readonly topic: string;
  readonly messages: readonly ClientMessage[];
}

export interface ClientProducer {
  connect(): Promise<void>;
  /**
   * Resolves when all are written. Makes no topic. Rejects with ConnectionClosedError where the broker closed the
   * connection instead of answering, whenever it was tried.
   */
  send(batch: readonly TopicMessages[]): Promise<void>;
  disconnect(): Promise<void>;
}

export interface ClientTransactionalProducer {
  /** Connects and initialises: whoever had the transactional id is fenced, and what it began is aborted. */
  connect(): Promise<void>;
  begin(): Promise<ClientTransaction>;
  disconnect(): Promise<void>;
}

export interface ClientTransaction {
  commitOffset(group: string, offset: PartitionOffset): Promise<void>;
  /** As a ClientProducer's. */
  send(batch: readonly TopicMessages[]): Promise<void>;
  commit(): Promise<void>;
  abort(): Promise<void>;
}

export interface LogBounds {
  /** First offset of the log. */
  readonly low: bigint;
  /** Offset after its last record. */
  readonly high: bigint;
}

export interface ClientAdmin {
  connect(): Promise<void>;
  /** By partition; one that has no leader is missing. */
  logBounds(topic: string): Promise<ReadonlyMap<number, LogBounds>>;
  /** By partition, as it stands at the broker: below zero where there is none, -2 for "the log's beginning". */
  committed(group: string, topic: string): Promise<ReadonlyMap<number, bigint>>;
  /** By partition: offset of the first record that is not older than that time, else the log's end. */
  offsetsAt(topic: string, timeMs: number): Promise<ReadonlyMap<number, bigint>>;
  /** Members of the group, as client and host; none of a group that is not there. */
  members(group: string): Promise<readonly string[]>;
  /**
   * Sets what the group has committed, by partition, and resolves when that is read back. Rejects where it has members.
   */
  setOffsets(group: string, topic: string, offsets: ReadonlyMap<number, bigint>): Promise<void>;
  /**
   * Milliseconds for which topics keep their records; `null`: for ever, as where a topic is only compacted. A topic that is
   * not there is missing.
   */
  retentionMs(topics: readonly string[]): Promise<ReadonlyMap<string, number | null>>;
  /** Makes a topic, with the broker's own settings for all else, and waits for its leaders; one that exists stays. */
  createTopic(topic: string, partitions: number): Promise<void>;
  /** Rejects where the cluster does not answer. */
  ping(): Promise<void>;
  disconnect(): Promise<void>;
}
