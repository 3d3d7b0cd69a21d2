/** Runs the contestants in turn, each run with a topic, a group, a database and a process of its own. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { KafkaCluster } from '../services/kafka.js';
import { until } from '../services/ports.js';
import type { PostgresServer, TestDatabase } from '../services/postgres.js';
import type { Benchmark, Contestant, RunRequest, RunResult } from './benchmark.js';
import { produceEvents } from './produce-events.js';

export interface RunOptions {
  readonly events: number;
  readonly repeat: number;
  readonly postgres: PostgresServer;
  readonly kafka: KafkaCluster;
}

/** Milliseconds after which a run that has not ended is given up. */
const patienceMs = 300_000;

export async function runBenchmark(benchmark: Benchmark, options: RunOptions): Promise<RunResult[]> {
  const results: RunResult[] = [];
  const total = options.repeat * benchmark.contestants.length;
  for (let round = 0; round < options.repeat; round++) {
    for (const contestant of benchmark.contestants) {
      const result = await runOnce(benchmark, contestant, options);
      results.push(result);
      const outcome = result.fault ?? `${Math.round(result.rate)} ${benchmark.unit}`;
      process.stdout.write(`[${results.length}/${total}] ${contestant.name}: ${outcome}\n`);
    }
  }
  return results;
}

async function runOnce(
  benchmark: Benchmark,
  contestant: Contestant,
  options: RunOptions,
): Promise<RunResult> {
  const { events, postgres, kafka } = options;
  const database = await postgres.createDatabase('bench');
  try {
    const topic = await kafka.createTopic('bench', { partitions: benchmark.partitions });
    await produceEvents(kafka, topic, events);
    await database.query(
      'CREATE TABLE effect (id bigserial PRIMARY KEY, order_id text, cents int, at timestamptz DEFAULT clock_timestamp())',
    );
    const startedAtMs = await runProcess(contestant, database, {
      databaseUrl: database.url,
      brokers: kafka.brokers,
      topic,
      group: kafka.group('bench'),
      events,
      setting: contestant.setting ?? '',
    });
    return await judge(contestant.name, database, events, startedAtMs);
  } finally {
    await database.drop();
    await kafka.cleanUp();
  }
}

async function runProcess(
  contestant: Contestant,
  database: TestDatabase,
  request: RunRequest,
): Promise<number> {
  const child = fork(fileURLToPath(new URL(contestant.program, import.meta.url)), [JSON.stringify(request)]);
  const ended = once(child, 'exit');
  let startedAtMs = Number.NaN;
  child.once('message', (at) => {
    startedAtMs = Number(at);
  });
  try {
    await until(
      `${contestant.name} has handled ${request.events} events`,
      async () => {
        if (child.exitCode !== null) throw new Error(`${contestant.name} ended with ${child.exitCode}`);
        const [{ count }] = await database.query('SELECT count(*)::int AS count FROM effect');
        return count >= request.events;
      },
      patienceMs,
    );
    child.kill('SIGTERM');
    await ended;
    return startedAtMs;
  } finally {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGKILL');
      await ended;
    }
  }
}

/** Effects are counted in a table without a constraint, and against the inbox that the contestant kept. */
async function judge(
  contestant: string,
  database: TestDatabase,
  events: number,
  startedAtMs: number,
): Promise<RunResult> {
  const [effects] = await database.query(`
    SELECT count(*)::int AS count, count(DISTINCT order_id)::int AS orders, sum(cents)::bigint AS cents,
      extract(epoch FROM max(at) - to_timestamp(${startedAtMs / 1000}))::float8 AS seconds FROM effect`);
  const [inbox] = await database.query(`SELECT count(*)::int AS count FROM ${await inboxOf(database)}`);
  const faults = [];
  const expectedCents = (events * (events + 1)) / 2;
  if (effects.orders < events) faults.push(`${events - effects.orders} lost`);
  if (effects.count > effects.orders) faults.push(`${effects.count - effects.orders} doubled`);
  if (Number(effects.cents) !== expectedCents) faults.push(`sum is ${effects.cents}, not ${expectedCents}`);
  if (inbox.count !== events) faults.push(`torn: ${inbox.count} inbox records`);
  return {
    contestant,
    rate: effects.count / Math.max(effects.seconds, 0.001),
    fault: faults.length === 0 ? null : `void (${faults.join(', ')})`,
  };
}

async function inboxOf(database: TestDatabase): Promise<string> {
  const [{ ours }] = await database.query(`SELECT to_regclass('eo_inbox') IS NOT NULL AS ours`);
  return ours ? 'eo_inbox' : 'inbox';
}
