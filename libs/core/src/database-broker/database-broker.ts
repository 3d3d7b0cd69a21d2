/**
 * The database as broker, where none is configured: events go from the outbox to a log in the same database, and from
 * there to the handlers of this process and of others. Durable, ordered by key, with any number of groups.
 *
 * Needs no server beside the database. What it promises is what any broker here promises: at-least-once delivery in
 * order of a partition, positions that only their owner moves.
 */
import type { Broker, BrokerContext, ConsumerRequest, EventConsumer } from '../broker/broker.js';
import type { GroupPositions } from '../broker/group-positions.js';
import type { Publisher } from '../broker/publisher.js';
import { longestTimerMs } from '../clock.js';
import { checkNumber, checkOptions } from '../engine/options-check.js';
import { ExactlyOnceError } from '../errors/exactly-once-error.js';
import type { AdapterDescription, Storage } from '../storage/storage.js';
import { DatabaseConsumer } from './database-consumer.js';
import { DatabasePositions } from './database-positions.js';
import { DatabasePublisher } from './database-publisher.js';
import type { LogPosition } from './log-store.js';

export interface DatabaseBrokerOptions {
  /**
   * Partitions of a topic that is made from now on: how many of its events can be handled at the same time. An
   * existing topic keeps its own, so that the order by key holds. 1 to 1,024. Default 4.
   */
  readonly partitions?: number;
  /** Milliseconds after which a silent process's partitions are given away. From 1,000. Default 10,000. */
  readonly sessionTimeoutMs?: number;
  /** Longest wait in milliseconds between two looks for events of other processes. From 10. Default 250. */
  readonly maxPollMs?: number;
}

/** Throws EO_OPTION_UNKNOWN and EO_OPTION_INVALID at once. */
export function databaseBroker(options: DatabaseBrokerOptions = {}): AdapterDescription<Broker> {
  checkOptions('databaseBroker()', options, ['partitions', 'sessionTimeoutMs', 'maxPollMs']);
  checkNumber('partitions', options.partitions, 1, 1_024);
  checkNumber('sessionTimeoutMs', options.sessionTimeoutMs, 1_000, longestTimerMs);
  checkNumber('maxPollMs', options.maxPollMs, 10, longestTimerMs);
  return { inject: [], create: () => new DatabaseBroker(options) };
}

export class DatabaseBroker implements Broker {
  readonly name = 'database';
  readonly sessionTimeoutMs: number;
  readonly #partitions: number;
  readonly #maxPollMs: number;
  readonly #consumers = new Set<DatabaseConsumer>();
  #context: BrokerContext | null = null;

  constructor({ partitions = 4, sessionTimeoutMs = 10_000, maxPollMs = 250 }: DatabaseBrokerOptions = {}) {
    this.#partitions = partitions;
    this.sessionTimeoutMs = sessionTimeoutMs;
    this.#maxPollMs = maxPollMs;
  }

  bind(context: BrokerContext): void {
    this.#context = context;
  }

  publisher(): Publisher {
    const appended = (positions: readonly LogPosition[]) => {
      for (const consumer of this.#consumers) consumer.appended(positions);
    };
    return new DatabasePublisher(this.#bound().storage.log, this.#partitions, appended);
  }

  consumer(request: ConsumerRequest): EventConsumer {
    const { storage, clock, logger, random, service } = this.#bound();
    const consumer = new DatabaseConsumer({
      request,
      log: storage.log,
      clock,
      logger,
      random,
      service,
      partitions: this.#partitions,
      sessionTimeoutMs: this.sessionTimeoutMs,
      maxPollMs: this.#maxPollMs,
    });
    this.#consumers.add(consumer);
    return consumer;
  }

  positions(): GroupPositions {
    return new DatabasePositions(this.#bound().storage);
  }

  async ping(): Promise<void> {
    await this.#bound().storage.ping();
  }

  async close(): Promise<void> {
    this.#consumers.clear();
  }

  #bound(): BrokerContext & { readonly storage: Storage } {
    if (this.#context !== null && this.#context.storage !== null) {
      return { ...this.#context, storage: this.#context.storage };
    }
    throw new ExactlyOnceError('EO_INTERNAL', 'the database broker was used before it was bound');
  }
}
