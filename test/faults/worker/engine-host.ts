/**
 * Core's engine alone, without Nest: for relays, publishers and transports of the harness's own.
 */
import { Engine, type EngineOptions, type EventTypeDescriptor, type Storage } from '@exactly-once/core';
import type { DataSource } from 'typeorm';
import type { LedgerData } from '../record/message.js';
import {
  descriptors,
  ledgerDataSource,
  plannedBroker,
  plannedStorage,
  workerLogger,
} from './engine-parts.js';
import { Ledger, type Written } from './ledger.js';
import type { Witness } from './witness.js';
import { outputType, type WorkerPlan } from './worker-plan.js';

export interface EngineHost {
  readonly engine: Engine;
  readonly dataSource: DataSource;
  readonly storage: Storage;
  readonly types: ReadonlyMap<string, EventTypeDescriptor<never>>;
  readonly ledger: Ledger;
}

export const retryPolicy = { attempts: 3, backoffMs: 20, maxBackoffMs: 500 };

export async function engineHost(plan: WorkerPlan, witness: Witness): Promise<EngineHost> {
  const dataSource = ledgerDataSource(plan);
  const storage = plannedStorage(dataSource, plan, witness);
  const types = descriptors(plan);
  const consumes = plan.role === 'consume';
  const options: EngineOptions = {
    service: plan.service,
    group: plan.group,
    storage,
    broker: await plannedBroker(plan, witness),
    types: [...types.values()],
    unhandled: 'dead-letter',
    handlers: consumes ? plan.handlers.map((handler) => ({ ...handler, invoke: invoker(handler.name) })) : [],
    foreignHandlers: plan.role === 'deliver' ? plan.handlers : [],
    retry: retryPolicy,
    batch: { maxEvents: plan.maxEvents, maxOpenMs: plan.maxOpenMs },
    relay: plan.relay ? { maxPollMs: 50, leaseMs: 1_000, batchSize: plan.sendAtOnce } : false,
    retention: false,
    shutdownMs: 5_000,
    logger: workerLogger,
  };
  const engine = new Engine(options);
  const publish = (written: Written) =>
    engine.outbox.publish(types.get(outputType) as EventTypeDescriptor<Written>, written);
  const ledger = new Ledger({ plan, witness, dataSource, publish });
  function invoker(name: string) {
    return (data: unknown, context: Parameters<Ledger['record']>[2]) =>
      ledger.record(name, data as LedgerData, context);
  }
  return { engine, dataSource, storage, types, ledger };
}

export async function startEngine({ engine }: EngineHost): Promise<() => Promise<void>> {
  await engine.start();
  while (engine.health().status === 'down') await new Promise((resolve) => setTimeout(resolve, 20));
  return () => engine.stop();
}
