/**
 * Puts an application's parts together and moves them through their life: open, register, consume and relay,
 * then stop in the reverse order.
 *
 * A wrong configuration stops the start. A database or broker out of reach does not: it is tried again in the
 * background, and health is down meanwhile.
 */
import type { EventConsumer } from '../broker/broker.js';
import { ExactlyOnceError, errorChain, isExactlyOnceError } from '../errors/exactly-once-error.js';
import type { DeadLetterStore } from '../failure/dead-letter-store.js';
import { backoffMs, defaultRetryPolicy } from '../failure/failure-policy.js';
import type { ParkedScope, ParkScope } from '../failure/park-store.js';
import { Outbox } from '../outbox/outbox.js';
import { runNested, runTransaction, type TransactionOptions } from '../processing/business-transaction.js';
import type { DryRun } from '../processing/dry-run.js';
import type { ParkRetryResult } from '../processing/park-retry.js';
import { AllProcessing } from './all-processing.js';
import { Background } from './background.js';
import { type EngineHealth, engineHealth, type PartHealth, partHealth } from './engine-health.js';
import type { EngineOptions } from './engine-options.js';
import type { ForeignRequest } from './processing.js';
import { Relaying } from './relaying.js';
import { RunningWork } from './running-work.js';
import { type SettledOptions, settleOptions } from './settled-options.js';
import { stopInSteps } from './stop-in-steps.js';
import { Upkeep } from './upkeep.js';

const defaultIdleTimeoutMs = 30_000;
/** Milliseconds that background work gets to notice that what it waited for was closed. */
const afterCloseMs = 1_000;

export class Engine {
  readonly outbox: Outbox;
  readonly #options: SettledOptions;
  readonly #processing: AllProcessing;
  readonly #transactions: RunningWork;
  readonly #stopping = new AbortController();
  readonly #draining = new AbortController();
  readonly #background: Background;
  readonly #upkeep: Upkeep;
  #relay: Relaying | null = null;
  #consumer: EventConsumer | null = null;
  #notReady: string | null = 'not started';
  #consumerTrouble: string | null = null;
  #drained: Promise<void> | null = null;
  #stopped: Promise<void> | null = null;

  /** Throws EO_OPTION_UNKNOWN, EO_OPTION_INVALID, EO_OPTION_MISSING, EO_HANDLER_DUPLICATE, EO_EVENT_TYPE_MISSING. */
  constructor(options: EngineOptions) {
    this.#options = settleOptions(options);
    const { storage, codec, telemetry, clock, random, service, broker, logger, hasDatabase } = this.#options;
    broker?.bind({ storage: hasDatabase ? storage : null, clock, random, logger, telemetry, service });
    const published = () => this.#relay?.hint();
    this.outbox = new Outbox({ storage, codec, telemetry, clock, source: service, published });
    this.#background = new Background(clock, logger);
    this.#upkeep = new Upkeep(this.#options, this.#background);
    this.#transactions = new RunningWork(clock);
    this.#processing = new AllProcessing(this.#options, this.#idleTimeoutMs(), published);
  }

  /**
   * Opens the storage, registers the handlers and starts consumer, relay and retention. Rejects where the
   * configuration is wrong (EO_SCHEMA_MISSING, EO_SCHEMA_OUTDATED, EO_HANDLER_UNKNOWN_NAME, …); resolves, and
   * goes on trying, where the database or the broker is out of reach. Rejects with EO_SHUTTING_DOWN after `stop`.
   */
  async start(): Promise<void> {
    if (this.#stopping.signal.aborted) throw stopped();
    const first = this.#prepare();
    this.#background.keep(
      'storage',
      first.catch(() => undefined), // whoever called `start` gets it
    );
    try {
      await first;
    } catch (error) {
      if (this.#stopping.signal.aborted) return;
      if (!isOutOfReach(error)) throw error;
      this.#report(error);
      this.#background.keep('storage', this.#prepareUntilReady());
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

  /**
   * No new batch, no new transaction; running ones get `shutdownMs`, then are rolled back, and the relay's last
   * round is left. Takes every step, and then throws an AggregateError where some failed. May be called again.
   */
  async stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    await this.#stopped;
  }

  /**
   * Runs `work` in a transaction; see `runTransaction`. Inside a handler or another one it is a savepoint. `stop` waits for it up to `shutdownMs`, then rolls it back,
   * and refuses new ones with EO_SHUTTING_DOWN.
   */
  transaction<T>(work: () => Promise<T>, options: TransactionOptions = {}): Promise<T> {
    const { storage, hasDatabase } = this.#options;
    if (!hasDatabase) return Promise.reject(noDatabase('ExactlyOnce.transaction was called'));
    const outer = storage.ambient.current();
    if (outer !== undefined) return runNested(outer, work, options);
    const published = () => this.#relay?.hint();
    const parts = { storage, idleTimeoutMs: this.#idleTimeoutMs(), published };
    return this.#transactions.run('a transaction', ({ onAbort }) =>
      runTransaction({ ...parts, onAbort }, work, options),
    );
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

  /** At most `limit` parked keys, those that wait longest first. Rejects with EO_NO_DATABASE. */
  async parked(limit = 100): Promise<ParkedScope[]> {
    if (!this.#options.hasDatabase) throw noDatabase('what is parked was asked for');
    return this.#options.storage.parked.scopes(limit);
  }

  /**
   * Hands the events of a parked key to their handler again, in order, each in a transaction of its own, until none is
   * left or one fails. One that kills processes kills this one.
   */
  retryParked(scope: ParkScope): Promise<ParkRetryResult> {
    return this.#processing.retryParked(scope);
  }

  /** The dead letters, to look at and to decide about. Throws EO_NO_DATABASE. */
  get deadLetters(): DeadLetterStore {
    if (!this.#options.hasDatabase) throw noDatabase('dead letters were asked for');
    return this.#options.storage.deadLetters;
  }

  /**
   * Hands a dead letter's event to its handler in a transaction that is rolled back whatever comes of it. Calls of other
   * systems are made; the handler can know by `context.dryRun`. One that kills processes kills this one. Rejects with
   * EO_OPTION_INVALID where there is no such letter, or this process has not its handler.
   */
  dryRun(id: bigint): Promise<DryRun> {
    return this.#processing.dryRun(id);
  }

  /** What the parts last knew of themselves; asks nobody. */
  health(): EngineHealth {
    const parts: Record<string, PartHealth> = this.#upkeep.health(this.#notReady);
    parts['processing'] = partHealth(this.#processing.stuck());
    if (this.#consumer !== null) {
      const own = this.#consumer.health();
      parts['consumer'] = this.#consumerTrouble === null ? own : partHealth(this.#consumerTrouble);
    }
    const retries = this.#consumer === null ? null : this.#processing.retrying();
    if (retries !== null) parts['retries'] = retries;
    if (this.#relay !== null) parts['relay'] = partHealth(this.#relay.stuck());
    for (const part of Object.keys(parts)) {
      const failure = this.#background.failure(part);
      if (failure !== null) parts[part] = partHealth(failure);
    }
    return engineHealth(parts);
  }

  async #prepare(): Promise<void> {
    const { storage } = this.#options;
    await storage.open();
    if (this.#stopping.signal.aborted) {
      await storage.close(); // it opened too late for `stop`
      throw stopped();
    }
    await this.#processing.register();
    if (!this.#stopping.signal.aborted) this.#notReady = null;
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
    if (this.#stopping.signal.aborted || this.#options.idle) return;
    this.#upkeep.start(this.#stopping.signal);
    const { broker, settledRelay } = this.#options;
    if (broker === null) return;
    if (settledRelay !== null) {
      this.#relay = new Relaying(this.#options, broker, settledRelay);
      this.#background.keep('relay', this.#relay.run(this.#stopping.signal));
    }
    const request = this.#processing.consumerRequest();
    if (request !== null && !this.#draining.signal.aborted) {
      this.#consumer = broker.consumer(request);
      this.#background.keep('consumer', this.#consume(this.#consumer));
      this.#background.keep('retries', this.#processing.retry(this.#draining.signal));
    }
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
    await stopInSteps([() => this.#consumer?.stop(shutdownMs), () => this.#processing.stop(shutdownMs)]);
  }

  async #stop(): Promise<void> {
    const { broker, storage, shutdownMs } = this.#options;
    this.#stopping.abort();
    try {
      await stopInSteps(
        [
          () => this.drain(),
          () => this.#transactions.stop(shutdownMs),
          () => this.#background.end(shutdownMs),
        ],
        [() => this.#relay?.stop()],
        [() => this.#background.end(afterCloseMs)],
        [() => broker?.close()],
        [() => storage.close()],
      );
    } finally {
      this.#notReady = 'stopped';
    }
  }

  #idleTimeoutMs(): number {
    return this.#options.broker?.sessionTimeoutMs ?? defaultIdleTimeoutMs;
  }
}

function isOutOfReach(error: unknown): boolean {
  return isExactlyOnceError(error) && error.outcome === 'retry';
}

function stopped(): ExactlyOnceError {
  return new ExactlyOnceError('EO_SHUTTING_DOWN', 'an engine that was stopped does not start again');
}

function noDatabase(what: string): ExactlyOnceError {
  return new ExactlyOnceError('EO_NO_DATABASE', `${what} in an application without \`storage\``);
}
