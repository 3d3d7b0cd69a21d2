/**
 * What a run does with its broker from outside, as an operator or an independent client would: topics, positions, dumps.
 *
 * Nothing here goes through the product.
 */
import type { DumpedRecord } from '../../services/kafka.js';

export const brokerNames = ['kafka', 'database'] as const;
export type Isolation = 'read_committed' | 'read_uncommitted';
export type BrokerName = (typeof brokerNames)[number];

export interface BrokerGround {
  readonly name: BrokerName;
  /** Milliseconds after which a silent consumer is given up: as short as the broker allows. */
  readonly sessionTimeoutMs: number;
  /** Where workers find it; empty where it is their database. */
  readonly addresses: readonly string[];
  /** A name of its own. */
  group(prefix: string): string;
  createTopic(prefix: string, partitions: number): Promise<string>;
  /** Next position of the group by partition; none or -1 where it has none. */
  committed(group: string, topic: string): Promise<Map<number, bigint>>;
  ends(topic: string): Promise<Map<number, bigint>>;
  /** All that stands on the topic. `isolation`: where the broker knows such; default `read_committed`. */
  dump(topic: string, isolation?: Isolation): Promise<DumpedRecord[]>;
  /** All committed records one by one, for more than fits into memory. */
  read(topic: string, take: (record: DumpedRecord) => void): Promise<void>;
  /** Nobody consumes for the group any more. */
  isAbandoned(group: string): Promise<boolean>;
  /** Puts the group back to the beginning; `byNumber`: by the offset 0, else by the broker's own word for it. */
  rewind(group: string, topic: string, byNumber: boolean): Promise<void>;
  /** The same name, another log: empty, with as many partitions. Kafka only. */
  recreateTopic?(topic: string, partitions: number): Promise<void>;
  /** The topic has so many partitions from now on. */
  addPartitions(topic: string, total: number): Promise<void>;
  /** The topic takes records of so many bytes from now on. Kafka only. */
  raiseLimit?(topic: string, bytes: number): Promise<void>;
  /** Of those groups, how many there were: their positions are forgotten. Kafka only. */
  deleteGroups?(groups: readonly string[]): Promise<number>;
  /** Takes away the topics and groups that were made here. */
  cleanUp(): Promise<void>;
}
