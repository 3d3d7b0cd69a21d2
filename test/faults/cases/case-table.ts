/** All cases of this harness, by number. */
import type { FaultCase } from '../harness/fault-case.js';
import { crashCases } from './crashes.js';

export const faultCases: readonly FaultCase[] = [...crashCases].toSorted(
  (one, other) => one.number - other.number,
);
