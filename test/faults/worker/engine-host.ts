/**
 * Core's engine alone, without Nest: for relays, publishers and transports of the harness's own.
 */
import {
  Engine,
  type EngineOptions,
  type EventTypeDescriptor,
  type PublishOptions,
  type Storage,
} from '@exactly-once/core';
import { DataSource } from 'typeorm';
import {
  batchOptions,
  dataSourceOptions,
  descriptors,
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

export async function engineHost(plan: WorkerPlan, witness: Witness): Promise<EngineHost> {
  const dataSource = new DataSource(dataSourceOptions(plan));
  const storage = plannedStorage(dataSource, plan, witness);
  const types = descriptors(plan);
  const options: EngineOptions = {
    service: plan.service,
    group: plan.group,
    storage,
    broker: await plannedBroker(plan, witness),
    types: [...types.values()],
    unhandled: 'dead-letter',
    handlers: [],
    foreignHandlers: plan.role === 'deliver' ? plan.handlers : [],
    ...batchOptions(plan),
    logger: workerLogger,
  };
  const engine = new Engine(options);
  const publish = (written: Written, options?: PublishOptions) =>
    engine.outbox.publish(types.get(outputType) as EventTypeDescriptor<Written>, written, options);
  const ledger = new Ledger({
    ...{ plan, witness, dataSource, publish },
    outside: (work) => engine.outside(work),
  });
  return { engine, dataSource, storage, types, ledger };
}

export async function startEngine({ engine }: EngineHost): Promise<() => Promise<void>> {
  await engine.start();
  while (engine.health().status === 'down') await new Promise((resolve) => setTimeout(resolve, 20));
  return () => engine.stop();
}
