/**
 * What a worker is told where its case says nothing else.
 */
import type { PlantedBug, WorkerPlan } from '../worker/worker-plan.js';
import { consumingService } from './observe.js';

/** Roles that handle events. */
const handling = new Set<WorkerPlan['role']>(['consume', 'deliver', 'transform']);

/** Roles that move the outbox. */
const relaying = new Set<WorkerPlan['role']>(['consume', 'deliver', 'relay']);

/** What is the same for all workers of a run. */
export interface CommonGround
  extends Pick<
    WorkerPlan,
    'databaseUrl' | 'broker' | 'brokers' | 'group' | 'topics' | 'handlers' | 'sessionTimeoutMs' | 'folder'
  > {
  readonly planted: readonly PlantedBug[];
}

export function defaultPlan(name: string, role: WorkerPlan['role'], ground: CommonGround): WorkerPlan {
  return {
    ...ground,
    name,
    role,
    service: handling.has(role) ? consumingService : role,
    swallowingFilter: false,
    maxEvents: 500,
    maxOpenMs: 50,
    isolation: 'READ COMMITTED',
    dedupCacheSize: 10_000,
    paceMs: 0,
    relay: relaying.has(role),
    relayOptions: {},
    retention: false,
    shutdownMs: 5_000,
    poolSize: 20,
    connectTimeoutMs: 0,
    dataFolder: null,
    maxHeapMb: null,
    fault: null,
    messages: null,
    sendAtOnce: 100,
  };
}
