/**
 * Every benchmark once, as small as can be: that each program still runs, and that its books are clean. Several at a
 * time, for nobody looks at the figures. Void, or without a figure, is a failure.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { findKafka } from '../../services/kafka.js';
import { findPostgres } from '../../services/postgres.js';
import { installApart } from './apart.js';
import type { Benchmark, Contestant, RunResult, Stage } from './benchmark.js';
import { outcome } from './progress-bar.js';
import { runOnce } from './run-benchmark.js';
import { SmokeCluster } from './smoke-cluster.js';

const atOnce = 4;

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
        const stage: Stage = { events, rows: events, postgres, kafka: own, interrupted, smoke: true };
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
  for (const { contestant, fault } of red) process.stdout.write(`${contestant}: ${fault}\n`);
  if (red.length > 0 || results.length === 0) process.exitCode = 1;
  if (json === undefined) return;
  const contestants = results.map(({ contestant, fault }) => ({ name: contestant, void: fault ?? false }));
  mkdirSync(dirname(json), { recursive: true });
  writeFileSync(json, `${JSON.stringify({ benchmark: 'smoke', contestants }, null, 2)}\n`);
}
