/**
 * A fault as a program: what is done, and what must be looked for. See FAULTS.md for the numbers.
 */
import type { Stage } from './stage.js';

export interface FaultCase {
  readonly number: number;
  /** What is done to the system. */
  readonly fault: string;
  /** What the run is looked through for; all oracles always judge. */
  readonly looksFor: string;
  /** Does it and waits until all is quiet. May not judge. */
  readonly run: (stage: Stage) => Promise<void>;
}
