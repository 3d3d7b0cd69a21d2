/**
 * Which cases run on which broker and in which mode, for what was asked.
 */
import type { BrokerName } from './broker/broker-ground.js';
import { faultCases } from './cases/case-table.js';
import type { Request } from './command-line.js';
import { type FaultCase, modeOf, runsOn, type TransactionMode } from './harness/fault-case.js';

/** Enough to notice in CI that the database has ceased to be a broker; all cases run with `--broker database`. */
const quickOnDatabase = [4, 5, 17, 21, 27];

/** The same for Kafka transactions; all of them run with `--transaction kafka`. */
const quickTransactional = [4, 17];

/** The random soak: alone with `--random`, and never among others. */
const soak = 70;

export interface Run {
  readonly faultCase: FaultCase;
  readonly broker: BrokerName;
}

export function wantedRuns(request: Request): Run[] {
  const { cases, broker, quick, all, random, transaction } = request;
  if (random) return on(broker ?? 'kafka', [soak], 'database');
  if (all)
    return [
      ...on('kafka', null, 'database'),
      ...on('database', null, 'database'),
      ...on('kafka', null, 'kafka'),
    ];
  const cheap = (runs: Run[]) => runs.filter(({ faultCase }) => !(quick && faultCase.heavy));
  if (broker !== null || !quick || cases !== null || transaction === 'kafka') {
    return cheap(on(broker ?? 'kafka', cases, transaction));
  }
  return [
    ...cheap(on('kafka', null, 'database')),
    ...on('database', quickOnDatabase, 'database'),
    ...on('kafka', quickTransactional, 'kafka'),
  ];
}

/** `numbers`: `null` for all. */
function on(broker: BrokerName, numbers: readonly number[] | null, mode: TransactionMode): Run[] {
  return faultCases
    .filter((one) => modeOf(one) === mode && runsOn(one).includes(broker))
    .filter(({ number }) => numbers?.includes(number) ?? number !== soak)
    .map((faultCase) => ({ faultCase, broker }));
}
