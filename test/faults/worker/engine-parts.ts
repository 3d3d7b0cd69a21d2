/**
 * Storage and broker of a worker: the real adapters, with the plan's crash points and planted bugs around them.
 */
import {
  type AdapterDescription,
  type Broker,
  databaseBroker,
  type EventTypeDescriptor,
  type Logger,
  type Storage,
} from '@exactly-once/core';
import { kafkaBroker } from '@exactly-once/kafka';
import { storageOn } from '@exactly-once/typeorm';
import type { DataSource } from 'typeorm';
import { around, withParts } from './around.js';
import { brokerWithPoints, storageWithPoints } from './crash-points.js';
import { EffectOne, EffectTwo } from './effect.js';
import { brokerWithBugs, storageWithBugs } from './planted-bugs.js';
import type { Witness } from './witness.js';
import type { WorkerPlan } from './worker-plan.js';

export function dataSourceOptions({ databaseUrl }: WorkerPlan) {
  return {
    type: 'postgres' as const,
    url: databaseUrl,
    entities: [EffectOne, EffectTwo],
    extra: { max: 20 },
    poolErrorHandler: () => undefined, // connections are cut on purpose; the pool opens others
  };
}

/** Bounds of a run, for an engine or a module. */
export function batchOptions(plan: WorkerPlan) {
  return {
    retry: { attempts: 3, backoffMs: 20, maxBackoffMs: 500 },
    batch: { maxEvents: plan.maxEvents, maxOpenMs: plan.maxOpenMs },
    relay: plan.relay ? { maxPollMs: 50, leaseMs: 1_000, batchSize: plan.sendAtOnce } : (false as const),
    retention: false as const,
    dedupCacheSize: plan.dedupCacheSize,
    shutdownMs: 5_000,
  };
}

export function plannedStorage(dataSource: DataSource, plan: WorkerPlan, witness: Witness): Storage {
  const storage = storageOn(dataSource, { migrate: true });
  const bugged = storageWithBugs(storage, plan.planted);
  const witnessed = withParts(bugged, {
    fences: around(bugged.fences, {
      advance: (advance) => async (transaction, move) => {
        const held = await advance(transaction, move);
        if (!held) witness.note({ kind: 'fenced', topic: move.key.topic, partition: move.key.partition });
        return held;
      },
    }),
  });
  return storageWithPoints(witnessed, witness.reach);
}

export async function plannedBroker(plan: WorkerPlan, witness: Witness): Promise<Broker> {
  const broker = await described(plan).create();
  return brokerWithPoints(brokerWithBugs(broker, plan.planted), witness.reach);
}

function described(plan: WorkerPlan): AdapterDescription<Broker> {
  const { sessionTimeoutMs } = plan;
  if (plan.broker === 'database') return databaseBroker({ sessionTimeoutMs, maxPollMs: 100 });
  return kafkaBroker({
    client: { brokers: [...plan.brokers] },
    consumer: {
      sessionTimeout: sessionTimeoutMs,
      heartbeatInterval: Math.max(100, sessionTimeoutMs / 6),
      maxWaitTimeInMs: 50,
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
