/**
 * What a worker process is told by the runner, as one JSON file.
 */
import type { RelayOptions, RetentionOptions } from '@exactly-once/core';
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
  /** What a transaction has published outlives its rollback. */
  'outbox-survives',
  /** Not of the product: the fault of a plan never comes. */
  'no-fault',
  /** A collision with another transaction (40001) is the event's fault. */
  'collision-counted',
  /** A COMMIT that fails counts as done. */
  'commit-unchecked',
  /** Nobody compares the last record with what the log holds now. */
  'log-unchecked',
  /** What runs alone leaves no mark. */
  'no-marks',
  /** Each process has transactional ids of its own: nobody is fenced. */
  'transactional-id-per-process',
  /** The position commits in a transaction of its own, after that of the output. */
  'offsets-apart',
  /** The output is sent without a transaction. */
  'output-apart',
  /** Nobody who has published is waited for by the relay. */
  'no-hold-back',
  /** Whoever once had a lease counts as its holder. */
  'lease-unchecked',
  /** The pruner forgets whatever it finds. */
  'window-ignored',
  /** What the broker refused does not hold its key. */
  'dead-row-passed',
  /** Later events of a parked key are not parked behind it. */
  'parked-passed',
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
  /** All of a Kafka transaction is with the brokers, but not its end. */
  | 'end:before'
  /** The brokers have ended it. */
  | 'end:after'
  | 'done:before'
  /** An event is parked, taken out, marked, put off, or leaves; its key's row goes. */
  | 'park:before'
  | 'park:after'
  | 'take:after'
  | 'mark:after'
  | 'postpone:before'
  | 'postpone:after'
  | 'leave:before'
  | 'leave:after'
  | 'release:before'
  | 'release:after'
  /** Its dead letter is written. */
  | 'bury:before'
  | 'bury:after'
  | 'send:before'
  | 'send:after'
  | 'settle:before'
  | 'settle:after'
  /** A transactional relay is about to settle what the broker has committed. */
  | 'conclude:before';

export interface FaultPlan {
  readonly point: Point;
  /** Fires when the point is reached for this time, from 1. */
  readonly hit: number;
  /**
   * `hold`: waits there, alive, until the runner releases it; only around the end of a Kafka transaction. `SIGTERM`: once it
   * is ready, it is asked to end, and goes on meanwhile.
   */
  readonly signal: 'SIGKILL' | 'SIGSTOP' | 'SIGTERM' | 'hold';
}

export interface HandlerPlan {
  readonly name: string;
  readonly type: string;
  readonly commit: 'batch' | 'event';
  /** Default: the product's. */
  readonly timeoutMs?: number;
  /** Lanes, on connections that pipeline. Default: none. */
  readonly concurrency?: number;
  /** Default: `key`. */
  readonly order?: 'key' | 'partition';
  /** Its events have a class with rules: `rest`, where there is one, is a whole number. */
  readonly checked?: true;
  /** Takes arrays of so many. Default: one event a call. */
  readonly batch?: number;
}

export interface WorkerPlan {
  /** Unique in the run. */
  readonly name: string;
  /**
   * `produce`: sends messages to the broker. `publish`: business transactions with an outbox. `relay`: only moves the
   * outbox. `consume`: the ledger. `deliver`: the ledger, called by a transport of the harness's own. `transform`: from
   * Kafka to Kafka, without a database.
   */
  readonly role: 'produce' | 'publish' | 'relay' | 'consume' | 'deliver' | 'transform';
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
  readonly isolation: 'READ COMMITTED' | 'REPEATABLE READ' | 'SERIALIZABLE';
  /** Ids that the process remembers; with 0 only the database knows a copy. */
  readonly dedupCacheSize: number;
  readonly sessionTimeoutMs: number;
  /**
   * Milliseconds that each handler takes on top of its work, a producer to Kafka between two requests, and a publisher
   * between two transactions.
   */
  readonly paceMs: number;
  /** Moves the outbox, too. */
  readonly relay: boolean;
  /** On top of the harness's own. */
  readonly relayOptions: RelayOptions;
  /** Forgets what is past the window. */
  readonly retention: RetentionOptions | false;
  /** Milliseconds that running handlers get at its end. */
  readonly shutdownMs: number;
  /** Connections that its pool may open. */
  readonly poolSize: number;
  /** Milliseconds that a connection may take to be there; 0: as long as it takes. */
  readonly connectTimeoutMs: number;
  /** Of the database within the process; `null`: the server at `databaseUrl`. */
  readonly dataFolder: string | null;
  /** Bound of its heap; `null`: Node's own. */
  readonly maxHeapMb: number | null;
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
/** Of `transform`: the second event for each, and the events that were given up. */
export const secondOutputType = 'ledger.written.too';
export const letterType = 'ledger.given-up';
/** Of the ledger: what an event asks to be passed on. */
export const passedOnType = 'ledger.passed-on';
