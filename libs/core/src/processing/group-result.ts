/**
 * What one transaction over a group of units achieved, and who is to blame where it failed.
 */
import { isExactlyOnceError } from '../errors/exactly-once-error.js';
import type { HandlerUnit } from './handler-unit.js';

export interface GroupFailure {
  readonly error: Error;
  /** Whose failure it is; `null` where nobody can be blamed yet. */
  readonly unit: number | null;
  /** The units of the batch call that failed, where they were several: one of them is to blame. */
  readonly batch?: readonly HandlerUnit[];
  /** `call`: the handler. `cut-off`: it did not come to an end. `seal`, `commit`: the whole group. */
  readonly phase: 'call' | 'cut-off' | 'seal' | 'commit' | 'other';
}

/** How far the handlers came. */
export interface HandlingResult {
  /** Index of the first unit that is not done. */
  readonly done: number;
  readonly failure: GroupFailure | null;
}

export interface GroupResult extends HandlingResult {
  /** Milliseconds that the handlers took. */
  readonly handledMs: number;
}

/** Nobody's event is to blame: the error says so, or a statement of the framework itself failed. */
export function isBlameless({ error, phase }: GroupFailure): boolean {
  return phase === 'other' || (isExactlyOnceError(error) && error.outcome === 'retry');
}
