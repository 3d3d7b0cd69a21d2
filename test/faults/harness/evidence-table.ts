/**
 * The runs of the past as one table of Markdown, by families of faults, and its place in the README.
 */
import { anomalies } from '../oracles/judge.js';
import type { PastRun } from './history.js';

/** Cases of a family by number; each case is in one of them. */
export const families: Readonly<Record<string, readonly number[]>> = {
  'SIGKILL or abort at each point of an event’s life': [1, 2, 3, 4, 5, 26, 32, 51],
  'SIGTERM, SIGSTOP and SIGCONT, rebalances, rolling deploys': [6, 17, 18, 19, 27, 45, 52],
  'Database: cut, silent, ended sessions, restarts and crashes, no connection left, PGlite': [
    7, 8, 9, 10, 11, 38,
  ],
  'Broker: killed, away, topic recreated, truncated or split': [22, 24, 25, 44, 47],
  'Copies, replays, and ids that look alike': [14, 15, 20, 21, 23, 34, 46],
  'Outbox, relay and Kafka transactions': [28, 29, 30, 50],
  'Mistakes and contention in handlers': [12, 13, 16, 39, 40, 41, 42, 43, 48, 49],
  'Events that fail, poison, dead letters': [31, 33, 37, 61, 62, 63, 64, 65, 68],
  'Input out of all bounds': [35, 36],
  'Forgetting and rewinding': [66, 67],
  'All at random, at length': [70],
};

const [begin, end] = ['<!-- faults: begin -->', '<!-- faults: end -->'];

/** Counts what was not planted. Throws where that is of code that stands in no commit: nobody could repeat it. */
export function evidenceTable(past: readonly PastRun[]): string {
  const runs = past.filter(({ planted }) => planted.length === 0);
  const dirty = runs.filter(({ commit }) => !/^[0-9a-f]+$/.test(commit));
  if (dirty.length > 0) {
    const last = dirty.at(-1)!;
    throw new Error(
      `${dirty.length} runs are of code that is in no commit, the last (${last.commit}) ended ${last.endedAt}: say --since`,
    );
  }
  const lines = Object.entries(families).flatMap(([family, cases]) => {
    const some = runs.filter((run) => cases.includes(run.case));
    return some.length === 0 ? [] : [line(family, some, [...new Set(some.map((run) => run.case))])];
  });
  const head = ['Faults', 'Cases', 'Runs', 'Events', 'Faults fired', 'Anomalies', 'Red runs'];
  const bars = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  const table = [
    head,
    ['---', '---', '---:', '---:', '---:', '---:', '---:'],
    ...lines,
    line('**All**', runs, []),
  ];
  return table.map(bars).join('\n');
}

/** Puts the table between the markers. Throws where they are missing. */
export function withTable(page: string, table: string): string {
  const [from, to] = [page.indexOf(begin), page.indexOf(end)];
  if (from === -1 || to < from) throw new Error(`the page lacks ${begin} … ${end}`);
  return `${page.slice(0, from + begin.length)}\n${table}\n${page.slice(to)}`;
}

function line(family: string, runs: readonly PastRun[], cases: readonly number[]): string[] {
  const sum = (of: (run: PastRun) => number) => runs.reduce((total, run) => total + of(run), 0);
  const found = sum(({ counts }) => anomalies.reduce((total, one) => total + counts[one], 0));
  const silent = sum(({ fired, expected }) => expected - fired);
  const fired = `${digits(sum((run) => run.fired))}${silent > 0 ? ` (${silent} did not)` : ''}`;
  const red = runs.filter(({ findings }) => findings.length > 0).length;
  const events = digits(sum((run) => run.events));
  const numbers = [digits(runs.length), events, fired, digits(found), digits(red)];
  return [family, cases.toSorted((one, other) => one - other).join(', '), ...numbers];
}

function digits(count: number): string {
  return count.toLocaleString('en-US');
}
