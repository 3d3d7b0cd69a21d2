/**
 * `npm run bench -- consume | contended | lone | failures | kafka | relay | backlog | outbox`: contestants side by side, interleaved in one run; ratios, not single figures.
 *
 * A contestant that failed, or lost, doubled or tore an event, is void, and the run then exits with 1.
 */
import { writeFileSync } from 'node:fs';
import { Command, CommanderError, InvalidArgumentError } from 'commander';
import { findKafka } from '../services/kafka.js';
import { findPostgres, type PostgresServer } from '../services/postgres.js';
import { consumeBenchmark } from './consume-benchmark.js';
import { contendedBenchmark } from './contended-benchmark.js';
import { failuresBenchmark } from './failures-benchmark.js';
import { kafkaBenchmark } from './kafka-benchmark.js';
import { loneBenchmark } from './lone-benchmark.js';
import { outboxBenchmark } from './outbox/outbox-benchmark.js';
import { backlogBenchmark } from './relay/backlog-benchmark.js';
import { relayBenchmark } from './relay/relay-benchmark.js';
import { printReport, report, thisMachine } from './report.js';
import { runBenchmark } from './run-benchmark.js';

const benchmarks = [
  consumeBenchmark,
  contendedBenchmark,
  loneBenchmark,
  failuresBenchmark,
  kafkaBenchmark,
  relayBenchmark,
  backlogBenchmark,
  outboxBenchmark,
];

interface BenchOptions {
  readonly events?: number;
  readonly repeat: number;
  readonly only: readonly string[];
  readonly json?: string;
}

const interruption = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => interruption.abort(new Error(`interrupted by ${signal}`)));
}

function atLeastOne(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError('a whole number from 1 is due');
  return value;
}

function known(what: string, name: string, names: readonly string[]): void {
  if (names.includes(name)) return;
  throw new InvalidArgumentError(`no ${what} "${name}"; there are: ${names.join(', ')}`);
}

async function versionOf(postgres: PostgresServer): Promise<string> {
  const database = await postgres.createDatabase('bench');
  try {
    const [{ version }] = await database.query(`SELECT current_setting('server_version') AS version`);
    return version;
  } finally {
    await database.drop();
  }
}

async function bench(name: string, { events: asked, repeat, only, json }: BenchOptions): Promise<void> {
  known(
    'benchmark',
    name,
    benchmarks.map((one) => one.name),
  );
  const benchmark = benchmarks.find((one) => one.name === name)!;
  const events = asked ?? benchmark.events;
  const names = benchmark.contestants.map((one) => one.name);
  for (const one of only) known('contestant', one, names);
  const [postgres, kafka] = [await findPostgres(), await findKafka()];
  try {
    const stage = { events, postgres, kafka, interrupted: interruption.signal };
    const progress = (line: string) => process.stdout.write(`${line}\n`);
    const results = await runBenchmark(benchmark, stage, { repeat, only, progress });
    const full = report(benchmark, events, thisMachine(await versionOf(postgres)), results);
    printReport(full);
    if (json !== undefined) writeFileSync(json, `${JSON.stringify(full, null, 2)}\n`);
    if (full.contestants.some((one) => one.void)) process.exitCode = 1;
  } finally {
    await kafka.stop();
    await postgres.stop();
  }
}

const defaults = benchmarks.map(({ name, events }) => `${name} ${events}`).join(', ');
try {
  await new Command('bench')
    .argument('<name>', benchmarks.map((one) => one.name).join(' | '))
    .option('--events <n>', `events in each run (by default ${defaults})`, atLeastOne)
    .option('--repeat <r>', 'runs of each contestant', atLeastOne, 5)
    .option('--only <contestants...>', 'leave the others out', [])
    .option('--json <file>', 'write the results as JSON')
    .exitOverride()
    .action(bench)
    .parseAsync();
} catch (error) {
  const usage = error instanceof CommanderError;
  if (error instanceof InvalidArgumentError) process.stderr.write(`${error.message}\n`);
  else if (!usage) process.stderr.write(`${error instanceof Error ? error.stack : error}\n`);
  process.exitCode = usage && error.exitCode === 0 ? 0 : 2;
}
