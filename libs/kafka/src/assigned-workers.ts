/**
 * A worker for each partition that a join assigned to us, from the join on: it claims before anything is fetched, so
 * that a position stands in the database before the first record. Knows also those that have not ended yet.
 */
import { randomUUID } from 'node:crypto';
import {
  type Clock,
  type ConsumerRequest,
  ExactlyOnceError,
  type Logger,
  type Storage,
  type TopicRequest,
} from '@exactly-once/core';
import type { ConsumerLife } from './consumer-life.js';
import { type Join, partitionName } from './group-membership.js';
import type { AssignedPartition } from './kafka-client.js';
import type { LogOffsets } from './log-offsets.js';
import { type ClaimRequest, claimPartition, restartLog } from './partition-claim.js';
import type { QueueBounds } from './partition-queue.js';
import { PartitionWorker } from './partition-worker.js';

export interface AssignmentParts {
  readonly request: ConsumerRequest;
  readonly bounds: QueueBounds;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly offsets: LogOffsets;
}

/** Who claims: what an earlier join began may end when a later one has the process. */
interface Claimant {
  readonly life: ConsumerLife;
  readonly join: Join;
  readonly assigned: AssignedPartition;
  readonly owner: string;
  /** Aborts where the worker ends. Left out: the worker asks itself. */
  readonly signal?: AbortSignal;
}

export class AssignedWorkers {
  readonly #parts: AssignmentParts;
  readonly #instance = randomUUID();
  readonly #present = new Map<string, PartitionWorker>();
  /** Every worker that has not ended, by the partition's name. */
  readonly #living = new Map<string, Set<PartitionWorker>>();
  #closed = false;

  constructor(parts: AssignmentParts) {
    this.#parts = parts;
  }

  /** The present worker of a partition; none where it is not ours. */
  get(name: string): PartitionWorker | undefined {
    return this.#present.get(name);
  }

  /** Those of the last join, by the partition's name. */
  [Symbol.iterator](): IterableIterator<[string, PartitionWorker]> {
    return this.#present.entries();
  }

  /** Replaces all: whatever was assigned before belongs to an earlier generation. */
  assign(life: ConsumerLife, join: Join): void {
    this.end();
    if (this.#closed) return;
    life.pause(...join.assigned.values());
    for (const partition of join.assigned.values()) this.#begin(life, join, partition);
  }

  /** Fetching was interrupted: what was read before may be of another log. */
  readAgain(): void {
    for (const worker of this.#present.values()) worker.readAgain();
  }

  /** No new transaction in any of them. */
  end(): void {
    for (const worker of this.#all()) worker.end();
    this.#present.clear();
  }

  /** Ends all, those of earlier joins too; rolls back what runs after `graceMs`. None begins any more. */
  async close(graceMs: number): Promise<void> {
    this.#closed = true;
    const all = this.#all();
    for (const worker of all) worker.end();
    const timer = setTimeout(() => {
      for (const worker of all) worker.abort();
    }, graceMs);
    await Promise.all(all.map((worker) => worker.ended));
    clearTimeout(timer);
    this.#present.clear();
  }

  #all(): PartitionWorker[] {
    return [...this.#living.values()].flatMap((workers) => [...workers]);
  }

  /** A new worker; it waits until all before it have ended. */
  #begin(life: ConsumerLife, join: Join, assigned: AssignedPartition): void {
    const name = partitionName(assigned.topic, assigned.partition);
    const living = this.#living.get(name) ?? new Set();
    const before = Promise.all([...living].map((one) => one.ended));
    const isPresent = () => !life.over && life.membership.join === join && this.#present.get(name) === worker;
    const guarded = (action: () => void) => {
      if (isPresent()) action();
    };
    const { sink, group } = this.#parts.request;
    const { storage, transactional } = this.#storageOf(assigned.topic);
    const key = { group, ...assigned };
    const acknowledge = (next: bigint) => {
      if (transactional) return; // the transaction has committed it; a later request could only set it back
      if (life.membership.join?.assigned.has(name)) life.committer.add(name, { ...assigned, next });
    };
    const worker: PartitionWorker = new PartitionWorker({
      name,
      sink,
      bounds: this.#parts.bounds,
      logger: this.#parts.logger,
      now: () => this.#parts.clock.now(),
      claim: async (signal) => {
        await before;
        const generation = await life.membership.confirmed(join, signal);
        if (generation === null) return null;
        const owner = `${this.#instance}/${join.memberId}/${generation}`;
        const claimed = await claimPartition(this.#claimRequest({ life, join, assigned, owner, signal }));
        const { position, found, high, committed } = claimed;
        const { offset: nextOffset, verify: lastFingerprint } = position;
        // A former owner died before it could say so, and what says it otherwise is the next event, if one ever comes.
        if (committed !== nextOffset && !position.newLog) acknowledge(nextOffset);
        return { fence: { key, owner, nextOffset, lastFingerprint, found }, position, high };
      },
      restart: ({ owner }) => restartLog(this.#claimRequest({ life, join, assigned, owner })),
      logBounds: () => this.#parts.offsets.of(assigned.topic, assigned.partition),
      seek: (offset) => guarded(() => life.seek(assigned, offset)),
      pause: () => guarded(() => life.pause(assigned)),
      resume: () => guarded(() => life.resume(assigned)),
      acknowledge,
      release: (fence) => storage.fences.release(key, fence.owner),
      replace: () => guarded(() => this.#replace(life, join, assigned)),
    });
    this.#present.set(name, worker);
    this.#keep(name, living, worker);
  }

  #replace(life: ConsumerLife, join: Join, assigned: AssignedPartition): void {
    if (this.#closed) return;
    life.pause(assigned);
    this.#begin(life, join, assigned);
  }

  #claimRequest({ life, join, assigned, owner, signal }: Claimant): ClaimRequest {
    const { request, offsets } = this.#parts;
    const { group } = request;
    const topic = this.#topic(assigned.topic);
    const name = partitionName(assigned.topic, assigned.partition);
    const entitled = () => {
      if (!life.over && life.membership.join === join && signal?.aborted !== true) return;
      throw new ExactlyOnceError('EO_FENCED', `${name}: the assignment that this claim is for is over`);
    };
    return {
      offsets,
      storage: this.#storageOf(assigned.topic).storage,
      owner,
      key: { group, ...assigned },
      startFrom: topic?.startFrom ?? 'earliest',
      dedup: topic?.dedup ?? 'inbox',
      // A later join of this process would commit it, too: Kafka does not ask whose partition it is.
      commit: async (next: bigint) => {
        await life.committer.move(name, { ...assigned, next }, entitled);
        entitled();
      },
    };
  }

  /** Where a topic's positions stand: with the request's storage, or with the broker's own transactions. */
  #storageOf(topic: string): { readonly storage: Storage; readonly transactional: boolean } {
    const { storage } = this.#parts.request;
    const transactions = this.#topic(topic)?.transactions;
    return { storage: transactions ?? storage, transactional: transactions !== undefined };
  }

  #topic(name: string): TopicRequest | undefined {
    return this.#parts.request.topics.find(({ topic }) => topic === name);
  }

  #keep(name: string, living: Set<PartitionWorker>, worker: PartitionWorker): void {
    living.add(worker);
    this.#living.set(name, living);
    void worker.ended.then(() => {
      living.delete(worker);
      if (living.size === 0 && this.#living.get(name) === living) this.#living.delete(name);
    });
  }
}
