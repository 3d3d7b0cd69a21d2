/**
 * Puts an application's parts together and moves them through their life: open, register, consume and relay,
 * then stop in the reverse order.
 *
 * A wrong configuration stops the start. A database or broker out of reach does not: it is tried again in the
 * background, and health is down meanwhile.
 */
import { randomUUID } from 'node:crypto';
import type { ConsumerHealth, EventConsumer, Publisher } from '../broker/broker.js';
import { ExactlyOnceError, errorChain, isExactlyOnceError } from '../errors/exactly-once-error.js';
import { backoffMs, defaultRetryPolicy } from '../failure/failure-policy.js';
import { Outbox } from '../outbox/outbox.js';
import { runTransaction, type TransactionOptions } from '../processing/business-transaction.js';
import { OutboxWatch } from '../relay/outbox-watch.js';
import { Relay } from '../relay/relay.js';
import { Retention } from '../retention/retention.js';
import type { EngineOptions } from './engine-options.js';
import { type ForeignRequest, Processing } from './processing.js';
import { RunningWork } from './running-work.js';
import { type SettledOptions, settleOptions } from './settled-options.js';

export interface PartHealth {
  readonly status: 'up' | 'down';
  readonly reason?: string;
  /** Records not yet processed, where it is known. */
  readonly lag?: number;
}

export interface EngineHealth {
  /** Down where any part is. */
  readonly status: 'up' | 'down';
  readonly parts: Readonly<Record<string, PartHealth>>;
}

const defaultIdleTimeoutMs = 30_000;

export class Engine {
  readonly outbox: Outbox;
  readonly #options: SettledOptions;
  readonly #processing: Processing;
  readonly #transactions: RunningWork;
  readonly #stopping = new AbortController();
  readonly #draining = new AbortController();
  readonly #background = new Set<Promise<void>>();
  #relay: Relay | null = null;
  #consumer: EventConsumer | null = null;
  #publisher: Publisher | null = null;
  #notReady: string | null = 'not started';
  #consumerTrouble: string | null = null;
  #drained: Promise<void> | null = null;
  #stopped: Promise<void> | null = null;

  /** Throws EO_OPTION_UNKNOWN, EO_OPTION_INVALID, EO_OPTION_MISSING, EO_HANDLER_DUPLICATE, EO_EVENT_TYPE_MISSING. */
  constructor(options: EngineOptions) {
    this.#options = settleOptions(options);
    const { storage, codec, telemetry, clock, random, service, broker, logger } = this.#options;
    broker?.bind({ storage, clock, random, logger, telemetry, service });
    this.outbox = new Outbox({ ambient: storage.ambient, codec, telemetry, clock, source: service });
    this.#transactions = new RunningWork(clock);
    this.#processing = new Processing(this.#options, this.#idleTimeoutMs(), () => this.#relay?.hint());
  }

  /**
   * Opens the storage, registers the handlers and starts consumer, relay and retention. Rejects where the
   * configuration is wrong (EO_SCHEMA_MISSING, EO_SCHEMA_OUTDATED, EO_HANDLER_UNKNOWN_NAME, …); resolves, and
   * goes on trying, where the database or the broker is out of reach.
   */
  async start(): Promise<void> {
    try {
      await this.#prepare();
    } catch (error) {
      if (!isOutOfReach(error)) throw error;
      this.#report(error);
      this.#keep(this.#prepareUntilReady());
      return;
    }
    this.#startParts();
  }

  /**
   * Ends consuming: no new batch; running handlers get `shutdownMs`, then are rolled back. Transactions, outbox
   * and relay go on until `stop`. May be called again.
   */
  async drain(): Promise<void> {
    this.#drained ??= this.#drain();
    await this.#drained;
  }

  /** No new batch, no new transaction; running ones get `shutdownMs`, then are rolled back. May be called again. */
  async stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    await this.#stopped;
  }

  /**
   * Runs `work` in a transaction; see `runTransaction`. `stop` waits for it up to `shutdownMs`, then rolls it back,
   * and refuses new ones with EO_SHUTTING_DOWN.
   */
  transaction<T>(work: () => Promise<T>, options: TransactionOptions = {}): Promise<T> {
    const { storage } = this.#options;
    const { aborted } = this.#transactions;
    const published = () => this.#relay?.hint();
    const parts = { storage, idleTimeoutMs: this.#idleTimeoutMs(), published, aborted };
    const run = () => runTransaction(parts, work, options);
    const isNested = storage.ambient.current() !== undefined;
    return isNested ? run() : this.#transactions.run('a transaction', run);
  }

  /** Runs `work` outside of any transaction: its writes commit on their own and survive a rollback. */
  outside<T>(work: () => T): T {
    return this.#options.storage.ambient.outside(work);
  }

  /**
   * Handles one delivery of another transport. Resolves when it is committed, a duplicate or dead-lettered:
   * acknowledge it. Rejects where it is not: do not.
   */
  async handleForeign(request: ForeignRequest): Promise<void> {
    await this.#processing.handleForeign(request);
  }

  health(): EngineHealth {
    const parts: Record<string, PartHealth> = { storage: partHealth(this.#notReady) };
    const stuck = this.#processing.stuck();
    if (this.#consumer !== null) parts['consumer'] = this.#consumerHealth(this.#consumer.health());
    parts['processing'] = partHealth(stuck);
    if (this.#relay !== null) parts['relay'] = partHealth(this.#relay.stuck());
    const down = Object.values(parts).some((part) => part.status === 'down');
    return { status: down ? 'down' : 'up', parts };
  }

  #consumerHealth(health: ConsumerHealth): PartHealth {
    return this.#consumerTrouble === null ? health : { status: 'down', reason: this.#consumerTrouble };
  }

  async #prepare(): Promise<void> {
    await this.#options.storage.open();
    await this.#processing.register();
    this.#notReady = null;
  }

  async #prepareUntilReady(): Promise<void> {
    const { clock, random } = this.#options;
    for (let failures = 1; !this.#stopping.signal.aborted; failures++) {
      await clock.sleep(backoffMs(defaultRetryPolicy, failures, random), this.#stopping.signal);
      if (this.#stopping.signal.aborted) return;
      try {
        await this.#prepare();
        this.#startParts();
        return;
      } catch (error) {
        this.#report(error);
        if (!isOutOfReach(error)) return;
      }
    }
  }

  #report(error: unknown): void {
    this.#notReady = errorChain(error).join(' <- ');
    this.#options.logger.error(`not ready: ${this.#notReady}`);
  }

  #startParts(): void {
    if (this.#stopping.signal.aborted) return;
    const { broker, storage, settledRelay, settledRetention, clock, logger, telemetry, random } =
      this.#options;
    const signal = this.#stopping.signal;
    if (settledRetention !== null) {
      const windowMs = settledRetention.windowDays * 86_400_000;
      const retention = new Retention({
        forgetful: [storage.inbox, storage.log],
        clock,
        logger,
        ...settledRetention,
        windowMs,
      });
      this.#keep(retention.run(signal));
    }
    if (broker === null) return;
    if (settledRelay !== null) {
      const publisher = broker.publisher();
      const owner = `${this.#options.service}-${randomUUID()}`;
      this.#publisher = publisher;
      this.#relay = new Relay({
        storage,
        publisher,
        clock,
        logger,
        telemetry,
        random,
        owner,
        ...settledRelay,
      });
      this.#keep(this.#relayWhenConnected(publisher, this.#relay));
      this.#keep(new OutboxWatch({ outbox: storage.outbox, clock, logger, telemetry }).run(signal));
    }
    const request = this.#processing.consumerRequest();
    if (request !== null && !this.#draining.signal.aborted) {
      this.#consumer = broker.consumer(request);
      this.#keep(this.#consume(this.#consumer));
    }
  }

  async #relayWhenConnected(publisher: Publisher, relay: Relay): Promise<void> {
    await publisher.start(this.#stopping.signal);
    await relay.run(this.#stopping.signal);
  }

  async #consume(consumer: EventConsumer): Promise<void> {
    const { clock, random, logger } = this.#options;
    for (let failures = 1; !this.#draining.signal.aborted; failures++) {
      try {
        await consumer.start(this.#draining.signal);
        this.#consumerTrouble = null;
        return;
      } catch (error) {
        this.#consumerTrouble = errorChain(error).join(' <- ');
        logger.error(`consumer: ${this.#consumerTrouble}`);
        await clock.sleep(backoffMs(defaultRetryPolicy, failures, random), this.#draining.signal);
      }
    }
  }

  async #drain(): Promise<void> {
    const { shutdownMs } = this.#options;
    this.#draining.abort();
    await Promise.all([this.#consumer?.stop(shutdownMs), this.#processing.stop(shutdownMs)]);
  }

  async #stop(): Promise<void> {
    const { broker, storage, shutdownMs } = this.#options;
    this.#stopping.abort();
    await Promise.all([this.drain(), this.#transactions.stop(shutdownMs)]);
    await Promise.all(this.#background);
    await this.#publisher?.stop();
    await broker?.close();
    await storage.close();
    this.#notReady = 'stopped';
  }

  /** Remembers work that `stop` waits for. None of it may reject: that is a defect, and loud. */
  #keep(work: Promise<void>): void {
    const kept = work.catch((error: unknown) => {
      this.#consumerTrouble = errorChain(error).join(' <- ');
      this.#options.logger.error(`a background part failed: ${this.#consumerTrouble}`, error);
    });
    this.#background.add(kept);
    void kept.then(() => this.#background.delete(kept));
  }

  #idleTimeoutMs(): number {
    return this.#options.broker?.sessionTimeoutMs ?? defaultIdleTimeoutMs;
  }
}

function isOutOfReach(error: unknown): boolean {
  return isExactlyOnceError(error) && error instanceof ExactlyOnceError && error.outcome === 'retry';
}

function partHealth(reason: string | null): PartHealth {
  return reason === null ? { status: 'up' } : { status: 'down', reason };
}
