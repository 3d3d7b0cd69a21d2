/**
 * Medians and ratios of what was run. What is void has no ratio: a figure that was reached by losing an event compares
 * to nothing.
 */
import type { Benchmark, RunResult, Series } from './benchmark.js';
import type { Machine } from './machine.js';

export interface ContestantReport {
  readonly name: string;
  /** `null` where it is void, and so are all its figures: what was reached by losing an event is no figure. */
  readonly median: number | null;
  readonly min: number | null;
  readonly max: number | null;
  readonly unit: string;
  /** Medians of what else was measured. */
  readonly figures?: Readonly<Record<string, number>>;
  /** Of the run in the middle. */
  readonly series?: Series;
  /** Whether one of its runs does not count. */
  readonly void: boolean;
  /** Why it is void. */
  readonly reason?: string;
}

export interface Report {
  readonly benchmark: string;
  readonly events: number;
  /** Taken while CPU profiles were: its figures do not count. */
  readonly profiled?: true;
  readonly machine: Machine;
  readonly contestants: readonly ContestantReport[];
  /** Of medians; `null` where one of the two is void or did not run. */
  readonly ratios: Readonly<Record<string, number | null>>;
  /** Least and most of the ratios of each round, where a ratio is of two contestants. */
  readonly spreads: Readonly<Record<string, readonly [min: number, max: number]>>;
}

export function report(
  benchmark: Benchmark,
  given: Pick<Report, 'events' | 'machine' | 'profiled'>,
  results: readonly RunResult[],
): Report {
  const ran = benchmark.contestants.filter(({ name }) => results.some((one) => one.contestant === name));
  const contestants = ran.map(({ name }) => summary(name, benchmark.unit, results));
  const ratio = ([over, under]: readonly [string, string]): number | null => {
    const [a, b] = [over, under].map((name) => contestants.find((one) => one.name === name && !one.void));
    return a?.median && b?.median ? Math.round((a.median / b.median) * 100) / 100 : null;
  };
  const ratios = Object.entries(benchmark.ratios).map(([name, pair]) => [name, ratio(pair)] as const);
  const spreads = ratios
    .filter(([, value]) => value !== null)
    .map(([name]) => [name, spreadOf(benchmark.ratios[name]!, results)]);
  const derived = benchmark.derived?.(contestants.filter((one) => !one.void)) ?? {};
  return {
    benchmark: benchmark.name,
    ...given,
    contestants,
    ratios: { ...Object.fromEntries(ratios), ...derived },
    spreads: Object.fromEntries(spreads),
  };
}

/** Neither is void: both have a rate of each round, in the order of the rounds. */
function spreadOf(pair: readonly [string, string], results: readonly RunResult[]): readonly [number, number] {
  const [over, under] = pair.map((name) => results.filter(({ contestant }) => contestant === name));
  const each = over!.map(({ rate }, round) => Math.round((rate! / under![round]!.rate!) * 100) / 100);
  return [Math.min(...each), Math.max(...each)];
}

function summary(name: string, unit: string, results: readonly RunResult[]): ContestantReport {
  const own = results.filter(({ contestant }) => contestant === name);
  const reason = own.find(({ fault }) => fault !== null)?.fault;
  if (typeof reason === 'string')
    return { name, median: null, min: null, max: null, unit, void: true, reason };
  const sorted = own.toSorted((a, b) => a.rate! - b.rate!);
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
    void: false,
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
