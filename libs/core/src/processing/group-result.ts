/**
 * What one transaction over a group of units achieved, and who is to blame where it failed.
 */
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

export interface GroupResult {
  /** Index of the first unit that is not done. */
  readonly done: number;
  readonly failure: GroupFailure | null;
}
