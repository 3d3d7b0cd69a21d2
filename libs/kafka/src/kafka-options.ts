/**
 * What an application may say to `kafkaBroker()`, and the check of it: a wrong name stops the start.
 *
 * What belongs to the client alone is checked in the client's folder.
 */
import { checkNumber, checkOptions, ExactlyOnceError } from '@exactly-once/core';
import { checkKafkajsOptions, type KafkajsOptions } from './kafkajs/kafkajs-options.js';
import { MemoryBudget } from './memory-budget.js';
import type { QueueBounds } from './partition-queue.js';

/** Bounds of what is in memory for one partition, and for all. */
export interface QueueOptions {
  /**
   * Records at which fetching pauses; no transaction is larger. From 1. Default 5,000, or twice the module's
   * `batch.maxEvents` where that is more.
   */
  readonly maxEvents?: number;
  /**
   * Bytes, headers included, at which fetching pauses; no transaction is larger. From 1. Default 8,388,608, or 4,096 for
   * each of `batch.maxEvents` where that is more.
   */
  readonly maxBytes?: number;
  /**
   * Bytes of all partitions together at which all fetching pauses. From 1. Default 268,435,456. One fetch
   * (kafkajs's `maxBytes`, 10 MiB unless said) may overshoot it.
   */
  readonly totalBytes?: number;
}

export interface KafkaBrokerOptions extends KafkajsOptions {
  /** Bounds of what is fetched and not yet handled. */
  readonly queue?: QueueOptions;
  /**
   * Where an event of a topic goes that a handler with `transaction: 'kafka'` gave up. The topic must exist. Default
   * `<topic>.dead-letters`.
   */
  readonly deadLetterTopic?: (topic: string) => string;
  /**
   * With what the names begin that a relay with `transactional: true` has at the broker: the topic `<prefix>.progress`,
   * which it makes where it is missing, and for each shard a group and a transactional id
   * `<prefix>.<outbox>.<shard>`; `<outbox>` is the UUID in `eo_meta`. The same for all relays of an outbox. Letters,
   * digits, `.`, `_` and `-`; 1 to 180 of them. Default `exactly-once.outbox`.
   */
  readonly outboxPrefix?: string;
}

export const defaultOutboxPrefix = 'exactly-once.outbox';

/** Room for a transaction of `most` events, and for as many that are fetched meanwhile. */
export function queueBounds(
  { maxEvents, maxBytes, totalBytes = 268_435_456 }: QueueOptions = {},
  most = 1,
): QueueBounds {
  return {
    atOnce: Math.max(1_000, most),
    events: maxEvents ?? Math.max(5_000, 2 * most),
    bytes: maxBytes ?? Math.max(8_388_608, 4_096 * most),
    budget: new MemoryBudget(totalBytes),
  };
}

/** Throws EO_OPTION_UNKNOWN, EO_OPTION_INVALID and EO_OPTION_MISSING. */
export function checkKafkaOptions(options: KafkaBrokerOptions): void {
  const names = ['client', 'consumer', 'producer', 'queue', 'deadLetterTopic', 'outboxPrefix'];
  checkOptions('kafkaBroker()', options, names);
  checkKafkajsOptions(options);
  checkOutboxPrefix(options.outboxPrefix);
  checkDeadLetterTopic(options.deadLetterTopic);
  const queueNames = ['maxEvents', 'maxBytes', 'totalBytes'];
  checkOptions('kafkaBroker() queue', options.queue ?? {}, queueNames);
  checkNumber('queue.maxEvents', options.queue?.maxEvents, 1, 10_000_000);
  checkNumber('queue.maxBytes', options.queue?.maxBytes, 1, Number.MAX_SAFE_INTEGER);
  checkNumber('queue.totalBytes', options.queue?.totalBytes, 1, Number.MAX_SAFE_INTEGER);
}

function checkDeadLetterTopic(given: unknown): void {
  if (given === undefined || typeof given === 'function') return;
  const what = `kafkaBroker() deadLetterTopic is ${typeof given}, not a function of the topic`;
  throw new ExactlyOnceError('EO_OPTION_INVALID', what);
}

function checkOutboxPrefix(given: unknown): void {
  if (given === undefined || (typeof given === 'string' && /^[A-Za-z0-9._-]{1,180}$/.test(given))) return;
  const what = `kafkaBroker() outboxPrefix is ${JSON.stringify(given)}, which cannot begin the name of a topic`;
  throw new ExactlyOnceError('EO_OPTION_INVALID', what);
}
