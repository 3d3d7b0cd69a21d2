/**
 * What a partition's worker is given: batches that were fetched, its claim, and words to the client. Steps 3 and 7 of an
 * event's life.
 */
import type { Delivery, DeliverySink, FenceClaim, Logger } from '@exactly-once/core';
import type { LogBounds } from './kafka-client.js';
import type { QueueBounds } from './partition-queue.js';
import type { StartPosition } from './start-position.js';

export interface FetchedBatch {
  readonly deliveries: readonly Delivery[];
  /** Offset after the batch: records that nobody sees (transaction markers) may stand before it. */
  readonly next: bigint;
  readonly highWatermark: bigint;
}

export interface WorkerClaim {
  readonly fence: FenceClaim;
  readonly position: StartPosition;
  /** Offset after the last record of the log. */
  readonly high: bigint;
}

export interface WorkerParts {
  /** For messages. */
  readonly name: string;
  readonly sink: DeliverySink;
  readonly bounds: QueueBounds;
  readonly logger: Logger;
  readonly now: () => number;
  /** Claims the partition; `null` where the assignment is over. */
  readonly claim: (signal: AbortSignal) => Promise<WorkerClaim | null>;
  /** Moves the claim to the beginning of a replaced log and says where that is. Throws EO_LOG_CHANGED. */
  readonly restart: (fence: FenceClaim) => Promise<StartPosition>;
  /** Asks where the log begins and ends. */
  readonly logBounds: () => Promise<LogBounds>;
  readonly seek: (offset: bigint) => void;
  readonly pause: () => void;
  readonly resume: () => void;
  readonly acknowledge: (next: bigint) => void;
  readonly release: (fence: FenceClaim) => Promise<void>;
  /** The claim is gone, or the log is another: a new worker is wanted. */
  readonly replace: () => void;
}
