/**
 * Consumes through kafkajs: its batches only fill our queues, a worker for each partition does the rest.
 * Steps 3 and 7 of an event's life.
 *
 * `eachBatch` returns at once, so that a slow handler delays neither other partitions, nor heartbeats, nor a
 * rejoin. kafkajs is never left to restart itself: a crashed consumer is replaced here, with backoff, and health
 * says so meanwhile.
 */
import { randomUUID } from 'node:crypto';
import {
  type ConsumerHealth,
  type ConsumerRequest,
  type EventConsumer,
  errorChain,
  type Logger,
} from '@exactly-once/core';
import type { Admin, Consumer, ConsumerConfig, EachBatchPayload, Kafka } from 'kafkajs';
import { GroupMembership, type Join, partitionName } from './group-membership.js';
import { toDelivery } from './kafka-delivery.js';
import { OffsetCommitter } from './offset-committer.js';
import { claimPartition, restartLog } from './partition-claim.js';
import type { QueueBounds } from './partition-queue.js';
import { PartitionWorker } from './partition-worker.js';

export interface KafkaConsumerParts {
  readonly kafka: Kafka;
  readonly logger: Logger;
  readonly config: Omit<ConsumerConfig, 'groupId'> & { readonly heartbeatInterval: number };
  readonly bounds: QueueBounds;
  readonly request: ConsumerRequest;
}

const restartMs = { first: 250, most: 10_000 };

/** One life of a kafkajs consumer, from connect to crash or stop. */
interface Life {
  readonly consumer: Consumer;
  readonly membership: GroupMembership;
  readonly committer: OffsetCommitter;
  over: boolean;
}

export class KafkaConsumer implements EventConsumer {
  readonly #parts: KafkaConsumerParts;
  readonly #instance = randomUUID();
  readonly #workers = new Map<string, PartitionWorker>();
  readonly #stopping = new AbortController();
  #admin: Admin | null = null;
  #life: Life | null = null;
  #joined: (() => void) | null = null;
  #trouble: string | null = 'not joined yet';
  #restarting: Promise<void> | null = null;
  #heart: NodeJS.Timeout | null = null;

  constructor(parts: KafkaConsumerParts) {
    this.#parts = parts;
  }

  async start(signal: AbortSignal): Promise<void> {
    const joined = new Promise<void>((resolve) => {
      this.#joined = resolve;
    });
    signal.addEventListener('abort', () => this.#stopping.abort(), { once: true });
    this.#restarting = this.#connectUntilDone(restartMs.first);
    await Promise.race([
      joined,
      this.#restarting.then(() => (this.#stopping.signal.aborted ? undefined : joined)),
    ]);
  }

  async stop(graceMs: number): Promise<void> {
    this.#stopping.abort();
    await this.#restarting;
    if (this.#heart !== null) clearInterval(this.#heart);
    const workers = [...this.#workers.values()];
    for (const worker of workers) worker.end();
    const timer = setTimeout(() => {
      for (const worker of workers) worker.abort();
    }, graceMs);
    await Promise.all(workers.map((worker) => worker.ended));
    clearTimeout(timer);
    await this.#endLife();
    await this.#admin?.disconnect();
    this.#trouble = 'stopped';
  }

  health(): ConsumerHealth {
    let lag = 0n;
    let stopped: string | null = this.#trouble;
    for (const [name, worker] of this.#workers) {
      if (this.#joins.get(worker) !== this.#life?.membership.join) continue;
      lag += worker.lag;
      if (worker.trouble !== null) stopped ??= `${name}: ${worker.trouble}`;
    }
    const known = { lag: Number(lag) };
    return stopped === null ? { status: 'up', ...known } : { status: 'down', reason: stopped, ...known };
  }

  /** Connects, subscribes and runs; tries again with backoff until that succeeds or the consumer stops. */
  async #connectUntilDone(delayMs: number): Promise<void> {
    await sleepUnlessAborted(delayMs, this.#stopping.signal);
    for (
      let waitMs = restartMs.first;
      !this.#stopping.signal.aborted;
      waitMs = Math.min(waitMs * 2, restartMs.most)
    ) {
      try {
        await this.#connect();
        return;
      } catch (error) {
        this.#trouble = errorChain(error).join(' <- ');
        this.#parts.logger.error(
          `consumer of ${this.#parts.request.group}, again in ${waitMs} ms: ${this.#trouble}`,
        );
        await this.#endLife();
        await sleepUnlessAborted(waitMs, this.#stopping.signal);
      }
    }
  }

  async #connect(): Promise<void> {
    const { kafka, config, request, logger } = this.#parts;
    if (this.#admin === null) {
      const admin = kafka.admin();
      await admin.connect();
      this.#admin = admin;
    }
    const retry = { ...config.retry, restartOnFailure: () => Promise.resolve(false) };
    const consumer = kafka.consumer({ ...config, retry, groupId: request.group });
    const life: Life = {
      consumer,
      membership: new GroupMembership(consumer, (join) => this.#onJoin(life, join)),
      committer: new OffsetCommitter(consumer, logger),
      over: false,
    };
    this.#life = life;
    consumer.on(consumer.events.CRASH, ({ payload }) => this.#onCrash(life, payload.error));
    await consumer.connect();
    for (const { topic, startFrom } of request.topics) {
      await consumer.subscribe({ topic, fromBeginning: startFrom === 'earliest' });
    }
    await consumer.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      partitionsConsumedConcurrently: 16,
      eachBatch: (payload) => this.#onBatch(life, payload),
    });
    this.#heart ??= setInterval(() => void this.#life?.membership.beat(), config.heartbeatInterval);
    this.#heart.unref();
  }

  #onJoin(life: Life, join: Join): void {
    if (life.over) return;
    this.#trouble = null;
    for (const [name, worker] of this.#workers) {
      worker.end();
      if (!join.assigned.has(name)) life.committer.forget(name);
    }
    const paused = life.consumer.paused();
    if (paused.length > 0) life.consumer.resume(paused); // the workers of the last join had paused them
    this.#joined?.();
  }

  /** kafkajs has given up and disconnected: nothing is assigned any more. */
  #onCrash(life: Life, error: Error): void {
    if (life.over || this.#stopping.signal.aborted) return;
    life.over = true;
    this.#trouble = errorChain(error).join(' <- ');
    for (const worker of this.#workers.values()) worker.end();
    this.#parts.logger.error(`consumer of ${this.#parts.request.group} crashed: ${this.#trouble}`);
    this.#restarting = this.#connectUntilDone(restartMs.first);
  }

  /** Only copies into the queue. Throws where a heartbeat says that the group rebalances: kafkajs then rejoins. */
  async #onBatch(
    life: Life,
    { batch, heartbeat, resolveOffset, isStale, isRunning }: EachBatchPayload,
  ): Promise<void> {
    const { topic, partition } = batch;
    life.membership.heartbeatBy(heartbeat);
    const join = life.membership.join;
    if (join === null || !isRunning() || isStale() || this.#stopping.signal.aborted) return;
    const deliveries = batch.messages.map((message) => toDelivery(topic, partition, message));
    const worker = this.#worker(life, join, topic, partition);
    if (worker.offer(deliveries, BigInt(batch.highWatermark))) resolveOffset(batch.lastOffset());
    await heartbeat();
  }

  /** The partition's worker in this join; a new one waits until the one before it has ended. */
  #worker(life: Life, join: Join, topic: string, partition: number): PartitionWorker {
    const name = partitionName(topic, partition);
    const present = this.#workers.get(name);
    if (present !== undefined && this.#joins.get(present) === join) return present;
    return this.#newWorker(life, join, topic, partition, present);
  }

  readonly #joins = new WeakMap<PartitionWorker, Join>();

  #newWorker(
    life: Life,
    join: Join,
    topic: string,
    partition: number,
    before?: PartitionWorker,
  ): PartitionWorker {
    const { request, bounds, logger } = this.#parts;
    const { sink, storage, group } = request;
    const name = partitionName(topic, partition);
    const key = { group, topic, partition };
    const current = () => !life.over && life.membership.join === join;
    const guarded = (action: () => void) => {
      if (current() && this.#workers.get(name) === worker) action();
    };
    const worker: PartitionWorker = new PartitionWorker({
      topic,
      partition,
      sink,
      bounds,
      logger,
      claim: async (signal) => {
        await before?.ended;
        const generation = await life.membership.confirmed(join, signal);
        if (generation === null || !join.assigned.has(name)) return null;
        const owner = `${this.#instance}/${join.memberId}/${generation}`;
        const startFrom = request.topics.find((one) => one.topic === topic)?.startFrom ?? 'earliest';
        const position = await claimPartition(this.#admin!, storage, { key, owner, startFrom });
        return {
          fence: { key, owner, nextOffset: position.offset, lastFingerprint: position.verify },
          position,
        };
      },
      restart: (fence) => restartLog(this.#admin!, storage, key, fence.owner),
      seek: (offset) => guarded(() => life.consumer.seek({ topic, partition, offset: String(offset) })),
      pause: () =>
        queueMicrotask(() => guarded(() => life.consumer.pause([{ topic, partitions: [partition] }]))),
      resume: () =>
        queueMicrotask(() => guarded(() => life.consumer.resume([{ topic, partitions: [partition] }]))),
      acknowledge: (next) => {
        if (!life.over && life.membership.join?.assigned.has(name))
          life.committer.add(name, { topic, partition, next });
      },
      release: (fence) => storage.fences.release(key, fence.owner),
      replace: () => {
        if (current() && this.#workers.get(name) === worker)
          this.#newWorker(life, join, topic, partition, worker);
      },
    });
    this.#workers.set(name, worker);
    this.#joins.set(worker, join);
    return worker;
  }

  async #endLife(): Promise<void> {
    const life = this.#life;
    if (life === null) return;
    await life.committer.flushed();
    life.over = true;
    this.#life = null;
    try {
      await life.consumer.disconnect();
    } catch (error) {
      this.#parts.logger.warn(`consumer did not disconnect in order: ${errorChain(error).join(' <- ')}`);
    }
  }
}

async function sleepUnlessAborted(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
