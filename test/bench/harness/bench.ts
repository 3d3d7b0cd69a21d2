/**
 * One benchmark from its servers to its results: tables, JSON, a plot, profiles. Exits with 1 where a contestant is void.
 */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { findKafka } from '../../services/kafka.js';
import { findPostgres } from '../../services/postgres.js';
import { installApart, standsApart } from './apart.js';
import type { Benchmark } from './benchmark.js';
import { draw } from './draw.js';
import { hottestFunctions } from './hottest-functions.js';
import { thisMachine } from './machine.js';
import { printReport } from './print-report.js';
import { ProgressBar } from './progress-bar.js';
import { report } from './report.js';
import { runBenchmark } from './run-benchmark.js';

export interface BenchOptions {
  readonly events: number;
  readonly repeat: number;
  readonly only?: readonly string[];
  readonly json?: string;
  readonly plot?: string;
  readonly profile?: boolean;
  readonly rows?: number;
}

export async function bench(
  benchmark: Benchmark,
  options: BenchOptions,
  interrupted: AbortSignal,
): Promise<void> {
  const { events, repeat, only = [], json, plot, profile = false, rows } = options;
  if (plot !== undefined || standsApart(benchmark, only)) await installApart();
  const profiles = profile ? { profiles: profileFolder(benchmark) } : {};
  const [postgres, kafka] = [await findPostgres(), await findKafka()];
  const progress = new ProgressBar(benchmark.name, benchmark.unit);
  try {
    const machine = await thisMachine(postgres, kafka);
    const limit = rows === undefined ? {} : { rows };
    const logs = join('bench-logs', benchmark.name);
    const stage = { events, postgres, kafka, interrupted, logs, ...profiles, ...limit };
    const results = await runBenchmark(benchmark, stage, { repeat, only, progress });
    progress.stop();
    const full = report(benchmark, { events, machine, ...(profile ? { profiled: true } : {}) }, results);
    printReport(benchmark, full);
    if (json !== undefined) write(json, `${JSON.stringify(full, null, 2)}\n`);
    if (plot !== undefined)
      write(plot.endsWith('.svg') ? plot : join(plot, `${benchmark.name}.svg`), await draw(benchmark, full));
    if (profiles.profiles !== undefined) printHottest(profiles.profiles);
    if (full.contestants.some((one) => one.void)) process.exitCode = 1;
  } finally {
    progress.stop();
    await kafka.stop();
    await postgres.stop();
  }
}

function write(file: string, text: string): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
}

/** Empty: what was there is of an earlier run. */
function profileFolder({ name }: Benchmark): string {
  const folder = join('bench-profiles', name);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  return folder;
}

function printHottest(folder: string): void {
  for (const file of readdirSync(folder).sort()) {
    process.stdout.write(`\n${join(folder, file)}\n`);
    console.table(hottestFunctions(JSON.parse(readFileSync(join(folder, file), 'utf8')), 15));
  }
}
