/**
 * Medians, ratios and the machine; for people and as JSON. What is void has no ratio: a figure that was reached by
 * losing an event compares to nothing.
 */
import { cpus, totalmem } from 'node:os';
import type { Benchmark, RunResult } from './benchmark.js';
import { nodeFlags } from './contestant-process.js';

export interface ContestantReport {
  readonly name: string;
  /** Of its runs that came to their end; `null` where none did. */
  readonly median: number | null;
  readonly min: number | null;
  readonly max: number | null;
  readonly unit: string;
  /** Medians of what else was measured. */
  readonly figures?: Readonly<Record<string, number>>;
  /** False, or why its figures do not count. */
  readonly void: false | string;
}

export interface Machine {
  readonly cpus: number;
  readonly model: string;
  readonly memoryGiB: number;
  readonly node: string;
  readonly postgres: string;
}

export interface Report {
  readonly benchmark: string;
  readonly events: number;
  readonly machine: Machine;
  readonly contestants: readonly ContestantReport[];
  /** `null` where one of the two is void or did not run. */
  readonly ratios: Readonly<Record<string, number | null>>;
}

export function report(
  benchmark: Benchmark,
  events: number,
  machine: Machine,
  results: readonly RunResult[],
): Report {
  const ran = benchmark.contestants.filter(({ name }) => results.some((one) => one.contestant === name));
  const contestants = ran.map(({ name }) => summary(name, benchmark.unit, results));
  const ratio = ([over, under]: readonly [string, string]): number | null => {
    const [a, b] = [over, under].map((name) => contestants.find((one) => one.name === name && !one.void));
    return a?.median && b?.median ? Math.round((a.median / b.median) * 100) / 100 : null;
  };
  const ratios = Object.entries(benchmark.ratios).map(([name, pair]) => [name, ratio(pair)]);
  return { benchmark: benchmark.name, events, machine, contestants, ratios: Object.fromEntries(ratios) };
}

export function thisMachine(postgres: string): Machine {
  const all = cpus();
  return {
    cpus: all.length,
    model: all[0]?.model.trim() ?? 'unknown',
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    node: [process.versions.node, ...nodeFlags].join(' '),
    postgres,
  };
}

export function printReport({ benchmark, events, machine, contestants, ratios }: Report): void {
  const { cpus: cores, model, memoryGiB, node, postgres } = machine;
  const on = `${cores} × ${model}, ${memoryGiB} GiB, Node ${node}, PostgreSQL ${postgres}`;
  process.stdout.write(`\n${benchmark}, ${events} events; ${on}\n`);
  console.table(contestants.map(({ figures, ...one }) => ({ ...one, ...figures })));
  if (Object.keys(ratios).length > 0)
    console.table(Object.entries(ratios).map(([ratio, value]) => ({ ratio, value: value ?? 'void' })));
}

function summary(name: string, unit: string, results: readonly RunResult[]): ContestantReport {
  const own = results.filter(({ contestant }) => contestant === name);
  const rates = own.flatMap(({ rate }) => (rate === null ? [] : [rounded(rate)])).sort((a, b) => a - b);
  const fault = own.find((one) => one.fault !== null)?.fault ?? false;
  return {
    name,
    median: medianOf(rates),
    min: rates[0] ?? null,
    max: rates.at(-1) ?? null,
    unit,
    ...figuresOf(own),
    void: fault,
  };
}

function figuresOf(own: readonly RunResult[]): Pick<ContestantReport, 'figures'> {
  const measured = own.flatMap(({ figures }) => (figures === undefined ? [] : [figures]));
  const names = Object.keys(measured[0] ?? {});
  if (names.length === 0) return {};
  const median = (name: string) =>
    medianOf(measured.map((one) => rounded(one[name]!)).sort((a, b) => a - b))!;
  return { figures: Object.fromEntries(names.map((name) => [name, median(name)])) };
}

/** Whole, and with one place where it is small. */
export function rounded(value: number): number {
  return value < 100 ? Math.round(value * 10) / 10 : Math.round(value);
}

function medianOf(sorted: readonly number[]): number | null {
  if (sorted.length === 0) return null;
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle]! : rounded((sorted[middle - 1]! + sorted[middle]!) / 2);
}
