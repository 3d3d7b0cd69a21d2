/**
 * What a group's transaction is made with, and which units it is about. Steps 4 to 6 of an event's life.
 *
 * Holds no state of a run: that is the group's own.
 */
import type { ProcessingSession } from '../broker/broker.js';
import type { DeadLetterOptions } from '../failure/burial.js';
import type { DedupCache } from '../inbox/dedup-cache.js';
import type { IsolationLevel } from '../storage/transaction.js';
import type { Logger } from '../telemetry/logger.js';
import type { BatchPlan } from './batch-plan.js';
import type { CallParts } from './handler-call.js';

export interface GroupParts extends CallParts {
  readonly cache: DedupCache;
  readonly logger: Logger;
  readonly maxOpenMs: number;
  readonly idleTimeoutMs: number;
  readonly isolation: IsolationLevel;
  readonly serviceVersion: string | null;
  readonly deadLetters: DeadLetterOptions;
  /** Called after a commit that published something. */
  readonly published: () => void;
  /** Called after a commit that parked something that is due then, in milliseconds since the epoch. */
  readonly parked: (dueAtMs: number) => void;
}

export interface GroupRequest {
  readonly plan: BatchPlan;
  readonly from: number;
  readonly to: number;
  readonly savepoints: boolean;
  readonly session: ProcessingSession;
}
