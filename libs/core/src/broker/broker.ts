/**
 * What core needs from a broker: somewhere to send to, and deliveries to process.
 *
 * A consumer hands batches of one partition, in order, to a sink and acknowledges only what the sink reports
 * as committed. It never acknowledges on its own.
 */
import type { Clock } from '../clock.js';
import type { FenceKey, FenceRow } from '../inbox/fence-store.js';
import type { AmbientScope } from '../storage/ambient-scope.js';
import type { Storage } from '../storage/storage.js';
import type { Logger } from '../telemetry/logger.js';
import type { Telemetry } from '../telemetry/telemetry.js';
import type { Delivery } from './delivery.js';
import type { GroupPositions } from './group-positions.js';
import type { Publisher } from './publisher.js';
import type { TransactionalPublisher } from './transactional-publisher.js';

/** The consumer's claim on a partition, checked by the database in each batch. */
export interface FenceClaim {
  readonly key: FenceKey;
  readonly owner: string;
  /** Where the database stands; moved by the processor after each commit. */
  nextOffset: bigint;
  /** Fingerprint of the record at `nextOffset - 1`, moved along with it; `null` where it is not known. */
  lastFingerprint: Uint8Array | null;
  /** How the fence was found when it was claimed: not clean, and the first events are run singly. Left out: clean. */
  readonly found?: Pick<FenceRow, 'clean' | 'suspect' | 'nextOffset'>;
}

/** One stretch of work on a partition, from an assignment to its end. */
export interface ProcessingSession {
  /** `null` where the broker has no positions. */
  readonly fence: FenceClaim | null;
  /** Aborts when no new transaction may begin: shutdown, or the partition went elsewhere. */
  readonly draining: AbortSignal;
  /** Aborts when running handlers must stop and roll back: the grace time is over. */
  readonly aborted: AbortSignal;
  /**
   * Called after each commit with the number of deliveries, from the beginning of the batch, that are done.
   * The consumer acknowledges them; its failure to do so only means redelivery.
   */
  readonly done: (count: number) => void;
}

/** The processor, as the consumer sees it. */
export interface DeliverySink {
  /**
   * Processes deliveries of one partition in order. Resolves when all are done or `draining` has aborted
   * (then `done` says how far it came). Rejects with EO_FENCED where another owner has the partition: the
   * consumer drops its claim and claims anew after a heartbeat; with EO_STOPPED where an event must not be
   * passed by: the consumer stops the partition and reports itself down. Everything else is retried inside.
   */
  process(deliveries: readonly Delivery[], session: ProcessingSession): Promise<void>;
}

export interface ConsumerHealth {
  readonly status: 'up' | 'down';
  /** Why it is down, for people. */
  readonly reason?: string;
  /** Records between what is processed and the end of the log, over all assigned partitions. */
  readonly lag?: number;
}

export interface EventConsumer {
  /** Joins its group; resolves when joined. A broker out of reach is retried until `signal` aborts. */
  start(signal: AbortSignal): Promise<void>;
  /** Takes no new batch, waits up to `graceMs` for running ones, then aborts them; leaves the group. */
  stop(graceMs: number): Promise<void>;
  health(): ConsumerHealth;
}

export interface TopicRequest {
  readonly topic: string;
  /** Where a group without any position begins. */
  readonly startFrom: 'earliest' | 'latest';
  /**
   * The broker's own transactions, where they hold this topic's positions instead of the request's storage. They
   * commit the offsets as well: the consumer never does so beside them.
   */
  readonly transactions?: Storage;
  /**
   * `offset`: at least one handler of it knows what was handled by the position alone. Nothing before the fence is
   * handed on again, whatever the broker says, and a log that was replaced stops its partition with EO_LOG_CHANGED.
   * Default `inbox`: what comes again is absorbed.
   */
  readonly dedup?: 'inbox' | 'offset';
}

export interface ConsumerRequest {
  readonly group: string;
  readonly topics: readonly TopicRequest[];
  readonly storage: Storage;
  readonly sink: DeliverySink;
  /**
   * Most events of one transaction: where so many are there, within the broker's bounds of memory, the sink is to get
   * them at once. Default: as many as the broker likes.
   */
  readonly maxEvents?: number;
}

export interface BrokerContext {
  /**
   * Where the engine keeps its state; a broker that is the database itself keeps its log there. `null` where the
   * application has no database.
   */
  readonly storage: Storage | null;
  readonly clock: Clock;
  /** From 0 to below 1; for jitter. */
  readonly random: () => number;
  readonly logger: Logger;
  readonly telemetry: Telemetry;
  /** For client ids and owners, for example the service's name. */
  readonly service: string;
}

export interface Broker {
  /** For messages and telemetry, for example `kafka`. */
  readonly name: string;
  /** Milliseconds after which the broker gives a silent consumer's partitions away. */
  readonly sessionTimeoutMs: number;
  /** Checks options and hands over what the broker reports to. Called once, before all else. */
  bind(context: BrokerContext): void;
  publisher(): Publisher;
  /** Sends a relay's batches exactly once. Left out where the broker has no transactions. */
  transactionalPublisher?(): TransactionalPublisher;
  /**
   * A storage whose transactions are the broker's own: published events, dead letters and positions commit together,
   * and its fences refuse a zombie. It has no inbox: each event of a new position is fresh. Its scopes are those of
   * `ambient`. Called before `bind`, and not used before it. Left out where the broker has no transactions.
   */
  transactions?(ambient: AmbientScope): Storage;
  consumer(request: ConsumerRequest): EventConsumer;
  /** Where groups stand, for a rewind; to be closed by the caller. Left out where the broker cannot tell or move them. */
  positions?(): GroupPositions;
  /**
   * How long topics keep their records, in milliseconds; `null`: for ever. One that is not there is missing. Left out where
   * the broker cannot tell.
   */
  retentionOf?(topics: readonly string[]): Promise<ReadonlyMap<string, number | null>>;
  /** One cheap request, for health. */
  ping(): Promise<void>;
  close(): Promise<void>;
}
