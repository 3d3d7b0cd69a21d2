/**
 * Medians and ratios of what was run. What is void has no ratio: a figure that was reached by losing an event compares
 * to nothing.
 */
import type { Benchmark, RunResult, Series } from './benchmark.js';
import type { Machine } from './machine.js';

export interface ContestantReport {
  readonly name: string;
  /** Of its runs that came to their end; `null` where none did. */
  readonly median: number | null;
  readonly min: number | null;
  readonly max: number | null;
  readonly unit: string;
  /** Medians of what else was measured. */
  readonly figures?: Readonly<Record<string, number>>;
  /** Of the run in the middle. */
  readonly series?: Series;
  /** False, or why its figures do not count. */
  readonly void: false | string;
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
  const derived = benchmark.derived?.(contestants.filter((one) => !one.void)) ?? {};
  return {
    benchmark: benchmark.name,
    events,
    machine,
    contestants,
    ratios: { ...Object.fromEntries(ratios), ...derived },
  };
}

function summary(name: string, unit: string, results: readonly RunResult[]): ContestantReport {
  const own = results.filter(({ contestant }) => contestant === name);
  const ended = own.filter(({ rate }) => rate !== null && Number.isFinite(rate));
  const sorted = ended.toSorted((a, b) => a.rate! - b.rate!);
  const rates = sorted.map(({ rate }) => rounded(rate!));
  const series = sorted[Math.floor(sorted.length / 2)]?.series;
  return {
    name,
    median: medianOf(rates),
    min: rates[0] ?? null,
    max: rates.at(-1) ?? null,
    unit,
    ...figuresOf(own),
    ...(series === undefined ? {} : { series: series.map(([x, y]) => [rounded(x), rounded(y)] as const) }),
    void: own.find((one) => one.fault !== null)?.fault ?? false,
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
