/**
 * Every benchmark once, as small as can be: that each program still runs, and that its books are clean. Several at a
 * time, for nobody looks at the figures. Void, or without a figure, is a failure.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { findKafka } from '../../services/kafka.js';
import { findPostgres } from '../../services/postgres.js';
import { installApart } from './apart.js';
import type { Benchmark, Contestant, RunResult, Stage } from './benchmark.js';
import { outcome } from './progress-bar.js';
import { runOnce } from './run-benchmark.js';
import { SmokeCluster } from './smoke-cluster.js';

const atOnce = 4;
/** Characters that are shown of what a void run's processes said: where this runs, its files may not be kept. */
const mostSaid = 4_000;

interface Job {
  readonly benchmark: Benchmark;
  readonly contestant: Contestant;
}

interface SmokeOptions {
  readonly json?: string | undefined;
  readonly interrupted: AbortSignal;
}

/** Exits with 1 where one is void. */
export async function smoke(
  benchmarks: readonly Benchmark[],
  { json, interrupted }: SmokeOptions,
): Promise<void> {
  await installApart();
  const jobs = benchmarks.flatMap(jobsOf).reverse(); // the last ones take longest
  const [postgres, kafka] = [await findPostgres(), await findKafka()];
  try {
    const results: RunResult[] = [];
    const queue = jobs.values();
    const work = async () => {
      for (const { benchmark, contestant } of queue) {
        const own = new SmokeCluster(kafka.brokers);
        const { events } = benchmark.smoke;
        const asked = { events, rows: events, logs: 'bench-logs/smoke', smoke: true };
        const stage: Stage = { ...asked, postgres, kafka: own, interrupted };
        const result = await runOnce(benchmark, contestant, stage);
        results.push({ ...result, contestant: `${benchmark.name}: ${contestant.name}` });
        const line = outcome(results.at(-1)!, benchmark.unit);
        process.stdout.write(`[${results.length}/${jobs.length}] ${line}\n`);
      }
    };
    await Promise.all(Array.from({ length: atOnce }, work));
    tell(results, json);
  } finally {
    await kafka.stop();
    await postgres.stop();
  }
}

function jobsOf(benchmark: Benchmark): Job[] {
  const { only } = benchmark.smoke;
  const chosen = benchmark.contestants.filter(({ name }) => only?.includes(name) ?? true);
  if (chosen.length === 0) throw new Error(`${benchmark.name} has no contestant to try`);
  return chosen.map((contestant) => ({ benchmark, contestant }));
}

function tell(results: readonly RunResult[], json: string | undefined): void {
  const red = results.filter(({ fault }) => fault !== null);
  process.stdout.write(`${results.length - red.length} clean, ${red.length} void\n`);
  for (const { contestant, fault, log } of red) {
    process.stdout.write(`${contestant}: ${fault}\n`);
    if (log !== undefined) process.stdout.write(`${readFileSync(log, 'utf8').slice(-mostSaid)}\n`);
  }
  if (red.length > 0 || results.length === 0) process.exitCode = 1;
  if (json === undefined) return;
  const contestants = results.map(({ contestant, fault }) => ({
    name: contestant,
    void: fault !== null,
    ...(fault === null ? {} : { reason: fault }),
  }));
  mkdirSync(dirname(json), { recursive: true });
  writeFileSync(json, `${JSON.stringify({ benchmark: 'smoke', contestants }, null, 2)}\n`);
}
