/**
 * The port of a Kafka client, as far as its suite calls it: the shape of `KafkaClient` in @exactly-once/kafka.
 *
 * Written down here, because the test kit knows no adapter; whoever runs the suite shows by that that the two agree.
 */
import type { Delivery } from '@exactly-once/core';

export interface PartitionShape {
  readonly topic: string;
  readonly partition: number;
}

export interface OffsetShape extends PartitionShape {
  readonly next: bigint;
}

export interface FetchedShape extends PartitionShape {
  readonly deliveries: readonly Delivery[];
  readonly next: bigint;
  readonly highWatermark: bigint;
}

export interface ListenerShape {
  joined(memberId: string, assigned: readonly PartitionShape[]): void;
  heartbeat(memberId: string, generation: number): void;
  rebalancing(): void;
  fetched(records: FetchedShape): boolean;
  interrupted(): void;
  crashed(error: Error): void;
  ended(): void;
}

export interface MemberShape {
  start(topics: readonly string[], signal: AbortSignal): Promise<void>;
  beat(): Promise<void>;
  commit(offsets: readonly OffsetShape[]): Promise<void>;
  seek(partition: PartitionShape, offset: bigint): void;
  pause(partitions: readonly PartitionShape[]): void;
  resume(partition: PartitionShape): void;
  leave(): Promise<void>;
}

export interface MessageShape {
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: Readonly<Record<string, Buffer | string>>;
}

export interface BatchShape {
  readonly topic: string;
  readonly messages: readonly MessageShape[];
}

export interface ProducerShape {
  connect(): Promise<void>;
  send(batch: readonly BatchShape[]): Promise<void>;
  disconnect(): Promise<void>;
}

export interface TransactionShape {
  commitOffset(group: string, offset: OffsetShape): Promise<void>;
  send(batch: readonly BatchShape[]): Promise<void>;
  commit(): Promise<void>;
  abort(): Promise<void>;
}

export interface TransactionalProducerShape {
  connect(): Promise<void>;
  begin(): Promise<TransactionShape>;
  disconnect(): Promise<void>;
}

export interface AdminShape {
  connect(): Promise<void>;
  logBounds(topic: string): Promise<ReadonlyMap<number, { readonly low: bigint; readonly high: bigint }>>;
  committed(group: string, topic: string): Promise<ReadonlyMap<number, bigint>>;
  offsetsAt(topic: string, timeMs: number): Promise<ReadonlyMap<number, bigint>>;
  members(group: string): Promise<readonly string[]>;
  setOffsets(group: string, topic: string, offsets: ReadonlyMap<number, bigint>): Promise<void>;
  retentionMs(topics: readonly string[]): Promise<ReadonlyMap<string, number | null>>;
  createTopic(topic: string, partitions: number): Promise<void>;
  ping(): Promise<void>;
  disconnect(): Promise<void>;
}

export interface KafkaClientShape {
  member(group: string, listener: ListenerShape): MemberShape;
  producer(): ProducerShape;
  transactionalProducer(transactionalId: string): TransactionalProducerShape;
  admin(): AdminShape;
}
