/**
 * A fault as a program: what is done, and what must be looked for. See FAULTS.md for the numbers.
 */
import { type BrokerName, brokerNames } from '../broker/broker-ground.js';
import type { Stage } from './stage.js';

export const transactionModes = ['database', 'kafka'] as const;
export type TransactionMode = (typeof transactionModes)[number];

export interface FaultCase {
  readonly number: number;
  /** What is done to the system. */
  readonly fault: string;
  /** What the run is looked through for; all oracles always judge. */
  readonly looksFor: string;
  /** Brokers that the fault exists on. Default: all. */
  readonly brokers?: readonly BrokerName[];
  /** Not in the `--quick` set: it takes long. */
  readonly heavy?: true;
  /** Where the handlers' work commits. Default: the database. */
  readonly transaction?: TransactionMode;
  /** Does it and waits until all is quiet. May not judge. */
  readonly run: (stage: Stage) => Promise<void>;
}

export function runsOn({ brokers = brokerNames }: FaultCase): readonly BrokerName[] {
  return brokers;
}

export function modeOf({ transaction = 'database' }: FaultCase): TransactionMode {
  return transaction;
}
