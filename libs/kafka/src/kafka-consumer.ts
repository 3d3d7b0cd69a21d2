/**
 * Consumes through a Kafka client: what it fetches only fills our queues, a worker for each partition does the rest.
 * Steps 3 and 7 of an event's life.
 *
 * What is fetched is taken at once, so that a slow handler delays neither other partitions, nor heartbeats, nor a
 * rejoin. The client is never left to restart itself: a crashed consumer is replaced here, with backoff, and health
 * says so meanwhile.
 */
import {
  type Clock,
  type ConsumerHealth,
  type ConsumerRequest,
  type EventConsumer,
  errorChain,
  type Logger,
} from '@exactly-once/core';
import { AssignedWorkers } from './assigned-workers.js';
import { ConsumerLife } from './consumer-life.js';
import { type Join, partitionName } from './group-membership.js';
import type { FetchedRecords, KafkaClient } from './kafka-client.js';
import { LogOffsets } from './log-offsets.js';
import type { QueueBounds } from './partition-queue.js';

export interface KafkaConsumerParts {
  readonly client: KafkaClient;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly bounds: QueueBounds;
  readonly request: ConsumerRequest;
}

const restartMs = { first: 250, most: 10_000 };

/** Milliseconds that a broker gets to answer when we leave; then the session time-out does it. */
const leaveMs = 3_000;

export class KafkaConsumer implements EventConsumer {
  readonly #parts: KafkaConsumerParts;
  readonly #workers: AssignedWorkers;
  readonly #offsets: LogOffsets;
  readonly #stopping = new AbortController();
  readonly #stopped: Promise<void>;
  #life: ConsumerLife | null = null;
  #joined: (() => void) | null = null;
  #trouble: string | null = 'not joined yet';
  #claimedOnce = false;
  #heart: NodeJS.Timeout | null = null;

  constructor(parts: KafkaConsumerParts) {
    const { client, request, bounds, clock, logger } = parts;
    this.#parts = parts;
    this.#offsets = new LogOffsets(client, request.group);
    this.#workers = new AssignedWorkers({ request, bounds, clock, logger, offsets: this.#offsets });
    this.#stopped = new Promise((resolve) => {
      this.#stopping.signal.addEventListener('abort', () => resolve(), { once: true });
    });
  }

  async start(signal: AbortSignal): Promise<void> {
    if (signal.aborted) this.#stopping.abort();
    signal.addEventListener('abort', () => this.#stopping.abort(), { once: true });
    const joined = new Promise<void>((resolve) => {
      this.#joined = resolve;
    });
    const { heartbeatInterval } = this.#parts.client.times;
    this.#heart = setInterval(() => void this.#life?.membership.beat(), heartbeatInterval);
    this.#heart.unref();
    void this.#connectUntilDone(0);
    await Promise.race([joined, this.#stopped]);
  }

  async stop(graceMs: number): Promise<void> {
    this.#stopping.abort();
    const join = this.#life?.membership.join;
    if (join) this.#life?.pause(...join.assigned.values()); // else the same batches would be fetched again and again
    await this.#workers.close(graceMs);
    if (this.#heart !== null) clearInterval(this.#heart);
    await this.#leave();
    this.#trouble = 'stopped';
  }

  health(): ConsumerHealth {
    let lag = 0n;
    let reason = this.#trouble ?? this.#life?.membership.silence(this.#parts.client.times) ?? null;
    let claimed = true;
    for (const [name, worker] of this.#workers) {
      lag += worker.lag;
      claimed &&= worker.claimed;
      if (worker.trouble !== null) reason ??= `${name}: ${worker.trouble}`;
    }
    if (reason === null && claimed) this.#claimedOnce = true;
    if (!this.#claimedOnce) reason ??= 'its partitions are being claimed';
    const known = { lag: Number(lag) };
    return reason === null ? { status: 'up', ...known } : { status: 'down', reason, ...known };
  }

  /** Connects, subscribes and runs; tries again with backoff until that succeeds or the consumer stops. */
  async #connectUntilDone(delayMs: number): Promise<void> {
    const { signal } = this.#stopping;
    await sleepUnlessAborted(delayMs, signal);
    for (let waitMs = restartMs.first; !signal.aborted; waitMs = Math.min(waitMs * 2, restartMs.most)) {
      const life = this.#newLife();
      try {
        await life.connect(signal);
        if (signal.aborted) await life.end(); // `stop` did not wait for it
        return;
      } catch (error) {
        this.#trouble = errorChain(error).join(' <- ');
        const { logger, request } = this.#parts;
        logger.error(`consumer of ${request.group}, again in ${waitMs} ms: ${this.#trouble}`);
        await life.end();
        await sleepUnlessAborted(waitMs, signal);
      }
    }
  }

  #newLife(): ConsumerLife {
    const { client, request, clock, logger } = this.#parts;
    this.#life = new ConsumerLife({
      ...{ client, request, clock, logger },
      joined: (life, join) => this.#onJoin(life, join),
      fetched: (life, records) => this.#onFetched(life, records),
      interrupted: (life) => {
        if (life === this.#life) this.#workers.readAgain();
      },
      crashed: (life, error) => this.#onCrash(life, error),
    });
    return this.#life;
  }

  #onJoin(life: ConsumerLife, join: Join): void {
    if (life !== this.#life || this.#stopping.signal.aborted) return;
    this.#trouble = null;
    for (const [name] of this.#workers) if (!join.assigned.has(name)) life.committer.forget(name);
    this.#workers.assign(life, join);
    this.#joined?.();
  }

  #onCrash(life: ConsumerLife, error: Error): void {
    if (life !== this.#life || this.#stopping.signal.aborted) return;
    this.#trouble = errorChain(error).join(' <- ');
    this.#workers.end();
    this.#parts.logger.error(`consumer of ${this.#parts.request.group} crashed: ${this.#trouble}`);
    void this.#connectUntilDone(restartMs.first);
  }

  /** Only into the queue. */
  #onFetched(life: ConsumerLife, { topic, partition, ...batch }: FetchedRecords): boolean {
    if (life !== this.#life || this.#stopping.signal.aborted) return false;
    return this.#workers.get(partitionName(topic, partition))?.offer(batch) ?? false;
  }

  async #leave(): Promise<void> {
    const life = this.#life;
    this.#life = null;
    let late: NodeJS.Timeout | undefined;
    const patience = new Promise<'late'>((resolve) => {
      late = setTimeout(() => resolve('late'), leaveMs);
    });
    const left = Promise.all([life?.end(), this.#offsets.close()]).catch((error: unknown) => {
      this.#parts.logger.warn(`consumer did not leave in order: ${errorChain(error).join(' <- ')}`);
    });
    if ((await Promise.race([left, patience])) === 'late') {
      const { logger, request } = this.#parts;
      logger.warn(
        `consumer of ${request.group}: Kafka does not answer, the session time-out ends its membership`,
      );
    }
    clearTimeout(late);
  }
}

async function sleepUnlessAborted(ms: number, signal: AbortSignal): Promise<void> {
  if (ms === 0 || signal.aborted) return;
  await new Promise<void>((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done);
  });
}
