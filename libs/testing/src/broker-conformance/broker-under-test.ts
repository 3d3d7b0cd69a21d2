/**
 * What the broker suite is given: topics, and processes that share them.
 *
 * Knows no adapter.
 */
import type { Broker, Storage } from '@exactly-once/core';

/** A message as a foreign producer puts it: anything that the broker can carry. */
export interface RawMessage {
  readonly key: Uint8Array | null;
  readonly headers: Readonly<Record<string, Uint8Array>>;
  readonly body: Uint8Array | null;
}

/** One process of an application, as far as a broker can tell. */
export interface BrokerProcess {
  /** Bound; its session time-out is as short as it allows. */
  readonly broker: Broker;
  /** Opened; the same data for every process. */
  readonly storage: Storage;
  /** Cuts the process off from broker and storage, as if it were stopped or dead. Default: it cannot be. */
  readonly cut?: () => void;
  /** Ends that. */
  readonly mend?: () => void;
}

export interface BrokerUnderTest {
  /** A new topic with that many partitions, where the broker has partitions. */
  createTopic(partitions: number): Promise<string>;
  /** A name that no topic and no group had before. */
  unusedName(): string;
  process(): Promise<BrokerProcess>;
  /** As a producer of another make. */
  put(topic: string, message: RawMessage): Promise<void>;
  /** Ends everything that was made here. */
  close(): Promise<void>;
}

/** What a broker can do that others cannot; the suite asks for what is declared, either way. */
export interface BrokerFeatures {
  /** Processes of a group share the partitions of a topic, and one that dies is replaced. Default true. */
  readonly sharesPartitions?: boolean;
  /** A topic that nobody has made is made when it is first sent to or read. Default true. */
  readonly makesTopics?: boolean;
  /** Bodies above that many bytes are refused. Default: none are. */
  readonly largestBody?: number;
  /** Milliseconds until something that does not come is given up. Default 45,000. */
  readonly patienceMs?: number;
}

export type It = (title: string, body: () => Promise<void>) => void;

export interface BrokerTests {
  readonly it: It;
  readonly under: () => BrokerUnderTest;
  readonly features: Required<BrokerFeatures>;
}
