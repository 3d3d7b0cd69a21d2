/**
 * Which inboxes the benchmark `growth` meets. At each size the same number of events comes in rounds of the same size,
 * so that rates of different sizes compare; where these would make the inbox grow beyond its size, it is emptied and
 * filled anew between them. So its rows are the named size in the mean, and within a half of it.
 */
import { auditLedger, type Ledger } from '../harness/ledger.js';

const sizes = [1_000, 10_000, 100_000, 1_000_000, 10_000_000];
const mostOfRound = 1_000;

export interface Plan {
  /** Rows of the inbox, in the mean of a cycle. */
  readonly size: number;
  /** Rows at the beginning of a cycle. */
  readonly filled: number;
  readonly cycles: number;
  readonly roundsOfCycle: number;
  readonly eventsOfRound: number;
}

/** A plan for each size up to `mostRows`, with as many events or somewhat more at each. */
export function plans(events: number, mostRows = Number.POSITIVE_INFINITY): Plan[] {
  const due = sizes.filter((size) => size <= mostRows);
  if (due.length === 0) due.push(mostRows);
  const eventsOfRound = Math.min(mostOfRound, events, due[0]!);
  const rounds = Math.ceil(events / eventsOfRound);
  return due.map((size) => {
    const roundsOfCycle = Math.min(rounds, Math.floor(size / eventsOfRound));
    const filled = size - Math.floor((roundsOfCycle * eventsOfRound) / 2);
    return { size, filled, cycles: Math.ceil(rounds / roundsOfCycle), roundsOfCycle, eventsOfRound };
  });
}

/** Findings at the end of a cycle, that was given orders 1 to as many as it has. */
export function auditCycle(ledger: Ledger, { size, filled, roundsOfCycle, eventsOfRound }: Plan): string[] {
  const fresh = { ...ledger, inboxRecords: ledger.inboxRecords - filled };
  const found = auditLedger(fresh, roundsOfCycle * eventsOfRound);
  return found.map((finding) => `before ${size} rows: ${finding}`);
}
