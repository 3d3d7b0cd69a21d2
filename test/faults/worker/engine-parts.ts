/**
 * Storage and broker of a worker: the real adapters, with the plan's crash points and planted bugs around them.
 */
import {
  type AdapterDescription,
  type Broker,
  databaseBroker,
  type EventTypeDescriptor,
  hasCode,
  type Logger,
  type Storage,
} from '@exactly-once/core';
import { kafkaBroker } from '@exactly-once/kafka';
import { embeddedPostgres, storageOn } from '@exactly-once/typeorm';
import type { DataSource } from 'typeorm';
import { around, withParts } from './around.js';
import { brokerWithPoints, storageWithPoints } from './crash-points.js';
import { EffectOne, EffectTwo } from './effect.js';
import { brokerWithBugs, storageWithBugs } from './planted-bugs.js';
import { storageWithRelayBugs } from './planted-relay-bugs.js';
import { transactionalClient } from './transactional-client.js';
import type { Witness } from './witness.js';
import { letterType, type WorkerPlan } from './worker-plan.js';

export function dataSourceOptions({ databaseUrl, handlers, ...plan }: WorkerPlan) {
  const entities = [EffectOne, EffectTwo];
  if (plan.dataFolder !== null) return { ...embeddedPostgres({ folder: plan.dataFolder }), entities };
  const pipeline = handlers.some(({ concurrency = 1 }) => concurrency > 1);
  return {
    type: 'postgres' as const,
    url: databaseUrl,
    applicationName: plan.name,
    entities,
    connectTimeoutMS: plan.connectTimeoutMs,
    extra: { max: plan.poolSize, ...(pipeline ? { pipeline } : {}) },
    poolErrorHandler: () => undefined, // connections are cut on purpose; the pool opens others
  };
}

/** Bounds of a run, for an engine or a module. */
export function batchOptions(plan: WorkerPlan) {
  return {
    retry: { attempts: 3, backoffMs: 20, maxBackoffMs: 500 },
    batch: { maxEvents: plan.maxEvents, maxOpenMs: plan.maxOpenMs, isolation: plan.isolation },
    relay: plan.relay
      ? { maxPollMs: 50, leaseMs: 1_000, batchSize: plan.sendAtOnce, ...plan.relayOptions }
      : (false as const),
    retention: plan.retention,
    dedupCacheSize: plan.dedupCacheSize,
    shutdownMs: plan.shutdownMs,
  };
}

export function plannedStorage(dataSource: DataSource, plan: WorkerPlan, witness: Witness): Storage {
  const storage = storageOn(dataSource, { migrate: true });
  const bugged = storageWithRelayBugs(storageWithBugs(storage, plan.planted), dataSource, plan.planted);
  const witnessed = withParts(bugged, {
    leases: around(bugged.leases, {
      acquire: (acquire) => async (shard, owner, leaseMs) => {
        const lease = await acquire(shard, owner, leaseMs);
        if (lease !== null) witness.note({ kind: 'took', shard });
        return lease;
      },
    }),
    outbox: around(bugged.outbox, {
      claim: refusals(witness),
      settle: refusals(witness),
      prepare: refusals(witness),
      conclude: refusals(witness),
    }),
    fences: around(bugged.fences, {
      advance: (advance) => async (transaction, move) => {
        const held = await advance(transaction, move);
        if (!held) witness.note({ kind: 'fenced', topic: move.key.topic, partition: move.key.partition });
        return held;
      },
    }),
  });
  return storageWithPoints(counted(witnessed, witness), witness.reach);
}

/** Writes down how many transactions are open or wanted at once. */
function counted(storage: Storage, witness: Witness): Storage {
  const wanted = new Set<object>();
  return around(storage, {
    begin: (begin) => async (options) => {
      const wish = {};
      wanted.add(wish);
      witness.noteMost({ kind: 'beside', transactions: wanted.size });
      const over = (end: () => Promise<void>) => () => end().finally(() => wanted.delete(wish));
      const transaction = await begin(options).catch((error: unknown) => {
        wanted.delete(wish);
        throw error;
      });
      return around(transaction, { commit: over, rollback: over });
    },
  });
}

/** Writes down that the database refused a relay, because a shard is another's. */
function refusals(witness: Witness) {
  return <A extends unknown[], R>(work: (...given: A) => Promise<R>) =>
    async (...given: A): Promise<R> => {
      try {
        return await work(...given);
      } catch (error) {
        if (hasCode(error, 'EO_LEASE_LOST')) witness.note({ kind: 'refused', code: 'EO_LEASE_LOST' });
        throw error;
      }
    };
}

export async function plannedBroker(plan: WorkerPlan, witness: Witness): Promise<Broker> {
  const broker = await described(plan, witness).create();
  return brokerWithPoints(brokerWithBugs(broker, plan.planted), witness.reach);
}

function described(plan: WorkerPlan, witness: Witness): AdapterDescription<Broker> {
  const { sessionTimeoutMs } = plan;
  if (plan.broker === 'database') return databaseBroker({ sessionTimeoutMs, maxPollMs: 100 });
  return kafkaBroker({
    client: plan.role === 'transform' ? transactionalClient(plan, witness) : { brokers: [...plan.brokers] },
    deadLetterTopic: (topic) => plan.topics[letterType] ?? `${topic}.dead-letters`,
    consumer: {
      sessionTimeout: sessionTimeoutMs,
      heartbeatInterval: Math.max(100, sessionTimeoutMs / 6),
      maxWaitTimeInMs: 50,
      metadataMaxAge: 2_000, // new partitions are noticed in the time of a run
    },
  });
}

export function descriptors(plan: WorkerPlan): Map<string, EventTypeDescriptor<never>> {
  return new Map(
    Object.entries(plan.topics).map(([type, topic]) => [
      type,
      { type, topic, version: 1, key: (data: { key: string | null }) => data.key },
    ]),
  );
}

export const workerLogger: Logger = {
  debug: (message) => console.log(`debug ${message}`),
  info: (message) => console.log(`info  ${message}`),
  warn: (message) => console.log(`warn  ${message}`),
  error: (message, cause) => console.log(`error ${message}`, cause ?? ''),
};
