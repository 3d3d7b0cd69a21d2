/**
 * Everything that an application can say to the engine, with units, bounds and defaults.
 *
 * Checked once, at start: a wrong option stops the start and changes nothing.
 */
import type { Broker } from '../broker/broker.js';
import type { Clock } from '../clock.js';
import type { EventCodec } from '../event/event-codec.js';
import type { TopicMapping } from '../event/event-reader.js';
import type { EventTypeDescriptor } from '../event/event-type.js';
import type { DeadLetterOptions } from '../failure/burial.js';
import type { RetryPolicy } from '../failure/failure-policy.js';
import type { EventOrder, HandlerDefinition, HandlerOptions } from '../processing/handler.js';
import type { Storage } from '../storage/storage.js';
import type { IsolationLevel } from '../storage/transaction.js';
import type { Logger } from '../telemetry/logger.js';
import type { Telemetry } from '../telemetry/telemetry.js';

/** Bounds of one batch transaction. */
export interface BatchOptions {
  /** Most events in one transaction; how many it really is, is learnt for each handler. 1 to 10,000. Default 500. */
  readonly maxEvents?: number;
  /** Most bytes of bodies in one transaction (one event may exceed it alone). From 1. Default 4,194,304. */
  readonly maxBytes?: number;
  /** Milliseconds that a batch transaction stays open before it commits what it has. From 1. Default 50. */
  readonly maxOpenMs?: number;
  /** Isolation of batch transactions: READ COMMITTED, REPEATABLE READ or SERIALIZABLE. Default READ COMMITTED. */
  readonly isolation?: IsolationLevel;
}

export interface RelayOptions {
  /** Rows in one round. 1 to 10,000. Default 500. */
  readonly batchSize?: number;
  /**
   * Bytes of bodies, headers, keys and ids in one round, and 300 for each event's attributes (one event may exceed it
   * alone): bounds the memory, and the request to the broker. From 1. Default 1,000,000, a little below what Kafka takes at once.
   */
  readonly maxBytes?: number;
  /** Milliseconds that a lease lasts without renewal: the longest pause after a relay died. From 1,000. Default 10,000. */
  readonly leaseMs?: number;
  /**
   * Longest wait in milliseconds between two looks at an idle outbox, where what is published elsewhere is seen. What
   * this process commits is looked at once. From 10. Default 2,000.
   */
  readonly maxPollMs?: number;
  /**
   * Milliseconds for which events wait for a transaction that has published before them and is still open, so that it
   * cannot be overtaken within a key; then they pass it by, and a warning says so. From 0. Default 1,000.
   */
  readonly holdBackMs?: number;
  /**
   * Milliseconds for which sent events are kept in `eo_outbox_archive`; the retention of any process removes them then.
   * From 0. Default 0: deleted at once.
   */
  readonly archiveMs?: number;
  /**
   * Each batch goes out in one transaction of the broker, beside the proof by which a crash does not send it again: a
   * reader of committed events (Kafka's `read_committed`) sees every event once, from when on every relay of the outbox
   * says so and the last one that did not has ended. For a broker that has transactions: not the database, whose log
   * only the handlers here read, by their inbox. Default false.
   */
  readonly transactional?: boolean;
}

export interface RetentionOptions {
  /**
   * Days that an inbox record is kept: duplicates that come later run again. From one minute (1 / 1,440), and no less
   * than the longest wait between two attempts or a session of the broker. Default 7. An event that is older (by its
   * id, where that is a UUIDv7 or a ULID, else by the broker) is handled, counted as `exactly_once.past_window` and
   * logged; not where retention is switched off here, because the window is then another's to know.
   */
  readonly windowDays?: number;
  /** Records deleted in one statement. From 1. Default 5,000. */
  readonly batchSize?: number;
  /** Milliseconds between two sweeps. From 1,000. Default 60,000. */
  readonly intervalMs?: number;
  /**
   * Milliseconds after which a row of the outbox is deleted although nobody settled it: for an outbox that Debezium
   * reads from the database's log, instead of a relay. From 60,000. Not beside a `relay` in this process, and without
   * effect while a relay elsewhere holds a lease. Default: never.
   */
  readonly unrelayedMs?: number | null;
  /** Days that a dead letter is kept once it was replayed or discarded. From one minute. Default 30. */
  readonly decidedDays?: number;
}

/** A handler behind a transport of Nest's own: named and recorded here, called from there. */
export interface ForeignHandlerDefinition extends HandlerOptions {
  readonly name: string;
}

export interface EngineOptions {
  /** Name of the service: CloudEvents `source` of what it publishes, and `group` where that is left out. */
  readonly service: string;
  /** Consumer group. Default: `service`. */
  readonly group?: string;
  /** Recorded in dead letters. Default: none. */
  readonly serviceVersion?: string;
  /** May be left out where every handler says `transaction: 'kafka'`. */
  readonly storage?: Storage;
  /** `null`: nothing is consumed or relayed by this engine, and there are no `handlers`. */
  readonly broker: Broker | null;
  readonly handlers: readonly HandlerDefinition[];
  /** Handlers that another transport calls, through `handleForeign`. Default: none. */
  readonly foreignHandlers?: readonly ForeignHandlerDefinition[];
  /** Types that are handled or published. */
  readonly types: readonly EventTypeDescriptor[];
  /** What happens to an event of a type that has no handler. No default: it must be said. */
  readonly unhandled: 'skip' | 'dead-letter' | 'stop';
  /** Names of handlers that were removed on purpose. */
  readonly retiredHandlers?: readonly string[];
  /** Where each topic that a handler consumes begins for a group without a position. Default `earliest`. */
  readonly startFrom?: Readonly<Record<string, 'earliest' | 'latest'>>;
  /** Makes bytes of what is published, and data of the bytes that are handled. Default: JSON. */
  readonly codec?: EventCodec;
  /** By topic. */
  readonly foreignTopics?: Readonly<Record<string, TopicMapping>>;
  /** For handlers that do not say their own, field by field. */
  readonly retry?: Partial<RetryPolicy>;
  /** For handlers that do not say their own. Default `key`. */
  readonly order?: EventOrder;
  /**
   * What becomes of an event after the third time that a process died while it handled that event and nothing beside
   * it; the deaths that brought it under suspicion come before. `park`: it waits in the database, later events of its
   * key for that handler behind it, until somebody decides; each of them is counted as `exactly_once.parked`, and health
   * names the first key and their number. `dead-letter`: it is given up, and its key goes on; choose
   * it only where a deploy cannot be what killed the process. Not for handlers with `transaction: 'kafka'`, where no
   * such deaths are counted. Default `park`.
   */
  readonly processKillers?: 'park' | 'dead-letter';
  /** What is kept and told of events that are given up. */
  readonly deadLetters?: DeadLetterOptions;
  /** Bounds of the transactions that events share. */
  readonly batch?: BatchOptions;
  /** Ids that the process remembers as committed, to skip a statement; 0 switches it off. Default 10,000. */
  readonly dedupCacheSize?: number;
  /** `false`: this process publishes nothing; another does. Default: on where there is a broker. */
  readonly relay?: RelayOptions | false;
  /** `false`: this process forgets nothing; another does. Default: on. */
  readonly retention?: RetentionOptions | false;
  /**
   * True: once started, this process consumes, relays and forgets nothing, and takes nothing parked up: for one that looks at
   * dead letters. Default false.
   */
  readonly idle?: boolean;
  /** Milliseconds that running handlers and transactions get at shutdown before they are rolled back. From 0. Default 10,000. */
  readonly shutdownMs?: number;
  /** Where messages for people go. Default: none; in Nest, Nest's own logger. */
  readonly logger?: Logger;
  /** Where spans and metrics go. Default: none; in Nest, `@opentelemetry/api` where that is installed. */
  readonly telemetry?: Telemetry;
  /** For tests. Default: the system's. */
  readonly clock?: Clock;
  /** From 0 to below 1; for jitter. Default Math.random. */
  readonly random?: () => number;
}
