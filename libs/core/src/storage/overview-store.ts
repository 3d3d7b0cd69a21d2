/**
 * Counts of what waits in the storage, for people who look after it. Reads only, takes no lock, and is no part of an
 * event's life.
 */
import type { FenceKey } from '../inbox/fence-store.js';

export interface ParkedCount {
  /** Its name; empty where the storage has forgotten it. */
  readonly handler: string;
  readonly keys: number;
  readonly events: number;
}

export interface DeadLetterCount {
  /** `null` where the event never got as far as a handler. */
  readonly handler: string | null;
  readonly code: string;
  readonly letters: number;
}

export interface FencePosition extends FenceKey {
  /** Offset of the next record to process. */
  readonly nextOffset: bigint;
  readonly owner: string;
  /** The owner has left in order. */
  readonly clean: boolean;
}

/** Each list is in the order of its names. */
export interface OverviewStore {
  parked(): Promise<ParkedCount[]>;
  /** Of letters that nobody has decided about. */
  deadLetters(): Promise<DeadLetterCount[]>;
  positions(): Promise<FencePosition[]>;
}
