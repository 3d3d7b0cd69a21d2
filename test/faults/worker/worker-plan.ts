/**
 * What a worker process is told by the runner, as one JSON file.
 */
import type { BrokerName } from '../broker/broker-ground.js';

/** Remedies that can be taken out, from outside, to show that a case then turns red. */
export const plantedBugs = [
  /** Every event is admitted as fresh; nothing is recorded. */
  'no-inbox-insert',
  /** The deliveries are acknowledged before their transaction. */
  'early-acknowledge',
  /** A transaction that the database rolled back counts as committed. */
  'tag-unchecked',
  /** Every move of the fence is granted. */
  'no-fence',
  /** The inbox locks the ids in the order of delivery. */
  'delivery-order',
  /** Events that a handler publishes commit without their cause. */
  'outbox-apart',
] as const;
export type PlantedBug = (typeof plantedBugs)[number];

/** Points at which a process can be stopped; `handler:*` are reached by the ledger's handler itself. */
export type Point =
  | 'process:before'
  | 'begin:before'
  | 'begin:after'
  | 'admit:before'
  | 'admit:after'
  | 'handler:between'
  | 'handler:end'
  | 'seal:before'
  | 'seal:after'
  | 'commit:before'
  | 'commit:after'
  | 'done:before'
  | 'send:before'
  | 'send:after'
  | 'settle:before'
  | 'settle:after';

export interface FaultPlan {
  readonly point: Point;
  /** Fires when the point is reached for this time, from 1. */
  readonly hit: number;
  readonly signal: 'SIGKILL' | 'SIGSTOP';
}

export interface HandlerPlan {
  readonly name: string;
  readonly type: string;
  readonly commit: 'batch' | 'event';
}

export interface WorkerPlan {
  /** Unique in the run. */
  readonly name: string;
  /**
   * `produce`: sends messages to the broker. `publish`: business transactions with an outbox. `relay`: only moves the
   * outbox. `consume`: the ledger. `deliver`: the ledger, called by a transport of the harness's own.
   */
  readonly role: 'produce' | 'publish' | 'relay' | 'consume' | 'deliver';
  /** Consumers only: a global exception filter that swallows every error. */
  readonly swallowingFilter: boolean;
  readonly databaseUrl: string;
  readonly broker: BrokerName;
  /** Of Kafka. */
  readonly brokers: readonly string[];
  readonly service: string;
  readonly group: string;
  /** Topic of each type that is handled or published. */
  readonly topics: Readonly<Record<string, string>>;
  readonly handlers: readonly HandlerPlan[];
  readonly maxEvents: number;
  readonly maxOpenMs: number;
  /** Ids that the process remembers; with 0 only the database knows a copy. */
  readonly dedupCacheSize: number;
  readonly sessionTimeoutMs: number;
  /** Milliseconds that each handler takes on top of its work. */
  readonly paceMs: number;
  /** Moves the outbox, too. */
  readonly relay: boolean;
  readonly fault: FaultPlan | null;
  readonly planted: readonly PlantedBug[];
  /** Folder of the run: evidence, record, release files. */
  readonly folder: string;
  /** Messages to produce or publish, JSON lines; else `null`. */
  readonly messages: string | null;
  /** Messages in one request. */
  readonly sendAtOnce: number;
}

/** Type of the event that the ledger publishes for each event that it handles. */
export const outputType = 'ledger.written';
