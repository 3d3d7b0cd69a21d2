/**
 * `npm run bench -- consume`: contestants side by side, interleaved in one run; ratios, not single figures.
 *
 * A contestant that lost, doubled or tore an event is void, and the run then exits with 1.
 */
import { writeFileSync } from 'node:fs';
import { Command, CommanderError, InvalidArgumentError } from 'commander';
import { findKafka } from '../services/kafka.js';
import { findPostgres } from '../services/postgres.js';
import { consumeBenchmark } from './consume-benchmark.js';
import { printReport, report } from './report.js';
import { runBenchmark } from './run-benchmark.js';

const benchmarks = [consumeBenchmark];

interface BenchOptions {
  readonly events: number;
  readonly repeat: number;
  readonly json?: string;
}

function atLeastOne(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError('a whole number from 1 is due');
  return value;
}

async function bench(name: string, options: BenchOptions): Promise<void> {
  const benchmark = benchmarks.find((one) => one.name === name);
  if (benchmark === undefined) {
    const known = benchmarks.map((one) => one.name).join(', ');
    throw new InvalidArgumentError(`no benchmark "${name}"; there are: ${known}`);
  }
  const [postgres, kafka] = [await findPostgres(), await findKafka()];
  try {
    const results = await runBenchmark(benchmark, { ...options, postgres, kafka });
    const full = report(benchmark, options.events, results);
    printReport(full);
    if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify(full, null, 2)}\n`);
    if (full.contestants.some((one) => one.void)) process.exitCode = 1;
  } finally {
    await kafka.stop();
    await postgres.stop();
  }
}

try {
  await new Command('bench')
    .argument('<name>', benchmarks.map((one) => one.name).join(' | '))
    .option('--events <n>', 'events in each run', atLeastOne, 20_000)
    .option('--repeat <r>', 'runs of each contestant', atLeastOne, 5)
    .option('--json <file>', 'write the results as JSON')
    .exitOverride()
    .action(bench)
    .parseAsync();
} catch (error) {
  if (!(error instanceof CommanderError))
    process.stderr.write(`${error instanceof Error ? error.stack : error}\n`);
  process.exitCode = error instanceof CommanderError && error.exitCode === 0 ? 0 : 2;
}
