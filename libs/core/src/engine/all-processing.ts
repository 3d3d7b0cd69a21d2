/**
 * What an engine does with events, in the database and in the broker's own transactions, behind one face. Steps 3 to 8
 * of an event's life.
 *
 * One consumer reads for both; a topic belongs to one of them. Decides nothing about an event itself.
 */
import type { ConsumerRequest, DeliverySink, TopicRequest } from '../broker/broker.js';
import { ExactlyOnceError } from '../errors/exactly-once-error.js';
import type { ParkScope } from '../failure/park-store.js';
import type { DryRun } from '../processing/dry-run.js';
import type { ParkRetryResult } from '../processing/park-retry.js';
import { type PartHealth, partHealth, upWithNote } from './engine-health.js';
import { type ForeignRequest, Processing } from './processing.js';
import type { SettledOptions } from './settled-options.js';

export class AllProcessing {
  readonly #options: SettledOptions;
  readonly #inDatabase: Processing | null;
  readonly #inBroker: Processing | null;

  constructor(options: SettledOptions, idleTimeoutMs: number, published: () => void) {
    const { handlers, transactions, hasDatabase } = options;
    this.#options = options;
    const own = handlers.filter(({ transaction }) => transaction !== 'kafka');
    this.#inDatabase = hasDatabase
      ? new Processing({ ...options, handlers: own }, idleTimeoutMs, published)
      : null;
    this.#inBroker = transactions === null ? null : inBroker(options, transactions, idleTimeoutMs);
  }

  /** Compares the handlers' names with the database's and makes the processors. Throws EO_HANDLER_UNKNOWN_NAME. */
  async register(): Promise<void> {
    for (const one of this.#all()) await one.register();
  }

  /** What to ask the broker for; `null` where there is nothing to consume. */
  consumerRequest(): ConsumerRequest | null {
    const { group, storage, transactions, settledBatch } = this.#options;
    const sinks = new Map<string, DeliverySink>();
    const topics: TopicRequest[] = [];
    for (const processing of this.#all()) {
      const request = processing.consumerRequest();
      for (const topic of request?.topics ?? []) {
        sinks.set(topic.topic, request!.sink);
        const own = processing === this.#inBroker && transactions !== null ? { transactions } : {};
        topics.push({ ...topic, ...own });
      }
    }
    if (topics.length === 0) return null;
    const process: DeliverySink['process'] = async (deliveries, session) => {
      const sink = sinks.get(deliveries[0]?.topic ?? '');
      if (sink === undefined)
        throw new ExactlyOnceError('EO_INTERNAL', 'a delivery came of an unknown topic');
      await sink.process(deliveries, session);
    };
    return { group, storage, topics, sink: { process }, maxEvents: settledBatch.maxEvents };
  }

  async handleForeign(request: ForeignRequest): Promise<void> {
    if (this.#inDatabase === null) {
      throw new ExactlyOnceError('EO_INTERNAL', `handler ${request.handler} was called without a database`);
    }
    await this.#inDatabase.handleForeign(request);
  }

  /**
   * See `retryParked`. Throws EO_NO_DATABASE: nothing is parked without one; and EO_TRANSACTION_OWNED inside of a
   * handler, whose end it would wait for.
   */
  async retryParked(scope: ParkScope): Promise<ParkRetryResult> {
    return this.#outsideOfAny('retryParked').retryParked(scope);
  }

  /** See `dryRun`. Throws EO_NO_DATABASE, and EO_TRANSACTION_OWNED inside of a handler, whose connection it would wait for. */
  async dryRun(id: bigint): Promise<DryRun> {
    return this.#outsideOfAny('dryRun').dryRun(id);
  }

  /** Retries what is parked when it is due, until `signal` aborts. Rejects never. */
  async retry(signal: AbortSignal): Promise<void> {
    await this.#inDatabase?.retry(signal);
  }

  /** Of `retry`, for health. */
  retrying(): PartHealth | null {
    if (this.#inDatabase === null) return null;
    const { stuck, note } = this.#inDatabase.retrying();
    return stuck === null ? upWithNote(note) : partHealth(stuck);
  }

  /** Why processing stands still, for health; `null` where it does not. */
  stuck(): string | null {
    return this.#inDatabase?.stuck() ?? this.#inBroker?.stuck() ?? null;
  }

  /** Ends what other transports began; the consumer's sessions end with the consumer. */
  async stop(graceMs: number): Promise<void> {
    await this.#inDatabase?.stop(graceMs);
  }

  #outsideOfAny(what: string): Processing {
    if (this.#inDatabase === null)
      throw new ExactlyOnceError('EO_NO_DATABASE', 'nothing is parked or dead without a database');
    if (this.#options.storage.ambient.current() === undefined) return this.#inDatabase;
    const refused = `${what} was called inside of a handler or a transaction, whose end it waits for: call it elsewhere`;
    throw new ExactlyOnceError('EO_TRANSACTION_OWNED', refused);
  }

  #all(): Processing[] {
    return [this.#inDatabase, this.#inBroker].filter((one) => one !== null);
  }
}

/** Nothing of it is recorded in a database: no retired names, no window. */
function inBroker(
  options: SettledOptions,
  storage: NonNullable<SettledOptions['transactions']>,
  idleTimeoutMs: number,
): Processing {
  const handlers = options.handlers.filter(({ transaction }) => transaction === 'kafka');
  const { topic: _, ...deadLetters } = options.deadLetters ?? {};
  const nothing = { foreignHandlers: [], retiredHandlers: [], settledRetention: null, deadLetters };
  return new Processing({ ...options, ...nothing, storage, handlers }, idleTimeoutMs, () => {});
}
