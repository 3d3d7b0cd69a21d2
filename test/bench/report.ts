/** Medians, ratios and the machine; for people and as JSON. */
import { cpus, totalmem } from 'node:os';
import type { Benchmark, RunResult } from './benchmark.js';

export interface ContestantReport {
  readonly name: string;
  readonly median: number;
  readonly min: number;
  readonly max: number;
  readonly unit: string;
  /** False, or why its figures do not count. */
  readonly void: false | string;
}

export interface Report {
  readonly benchmark: string;
  readonly events: number;
  readonly machine: {
    readonly cpus: number;
    readonly model: string;
    readonly memoryGiB: number;
    readonly node: string;
  };
  readonly contestants: readonly ContestantReport[];
  readonly ratios: Readonly<Record<string, number>>;
}

export function report(benchmark: Benchmark, events: number, results: readonly RunResult[]): Report {
  const contestants = benchmark.contestants.map(({ name }) => summary(name, benchmark.unit, results));
  const medians = new Map(contestants.map(({ name, median }) => [name, median]));
  const ratios: Record<string, number> = {};
  for (const [name, [over, under]] of Object.entries(benchmark.ratios)) {
    ratios[name] = Math.round((medians.get(over)! / medians.get(under)!) * 100) / 100;
  }
  return { benchmark: benchmark.name, events, machine: machine(), contestants, ratios };
}

export function printReport({ benchmark, events, machine: on, contestants, ratios }: Report): void {
  const { cpus: cores, model, memoryGiB, node } = on;
  process.stdout.write(
    `\n${benchmark}, ${events} events; ${cores} × ${model}, ${memoryGiB} GiB, Node ${node}\n`,
  );
  console.table(
    contestants.map(({ name, median, min, max, unit, void: fault }) => ({
      name,
      median,
      min,
      max,
      unit,
      void: fault,
    })),
  );
  console.table(Object.entries(ratios).map(([ratio, value]) => ({ ratio, value })));
}

function summary(name: string, unit: string, results: readonly RunResult[]): ContestantReport {
  const own = results.filter(({ contestant }) => contestant === name);
  const rates = own.map(({ rate }) => Math.round(rate)).sort((a, b) => a - b);
  const fault = own.find((one) => one.fault !== null)?.fault ?? false;
  return { name, median: medianOf(rates), min: rates[0]!, max: rates.at(-1)!, unit, void: fault };
}

function medianOf(sorted: readonly number[]): number {
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle]! : Math.round((sorted[middle - 1]! + sorted[middle]!) / 2);
}

function machine(): Report['machine'] {
  const all = cpus();
  const memoryGiB = Math.round(totalmem() / 2 ** 30);
  return {
    cpus: all.length,
    model: all[0]?.model.trim() ?? 'unknown',
    memoryGiB,
    node: process.versions.node,
  };
}
