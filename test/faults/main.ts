/**
 * `npm run faults`: runs the cases, as many at a time as --jobs says, against real PostgreSQL and real Kafka, or PostgreSQL alone.
 *
 * Exits with 1 where a run shows an anomaly or its fault did not fire. Leaves no process, database or topic.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { findKafka } from '../services/kafka.js';
import { findPostgres } from '../services/postgres.js';
import type { BrokerName } from './broker/broker-ground.js';
import { databaseGround } from './broker/database-ground.js';
import { kafkaGround } from './broker/kafka-ground.js';
import { faultCases } from './cases/case-table.js';
import { parseRequest, type Request } from './command-line.js';
import { evidenceTable, withTable } from './harness/evidence-table.js';
import { modeOf, runsOn } from './harness/fault-case.js';
import { History } from './harness/history.js';
import { details, tableHead, tableLine } from './harness/report.js';
import { type RunReport, removeRunning, runCase } from './harness/run-case.js';
import { shortestSessionTimeoutMs } from './harness/session-timeout.js';
import type { Services } from './harness/stage.js';
import { killAllWorkers } from './harness/worker-process.js';
import { type Run, wantedRuns } from './selection.js';

const readme = 'README.md';

async function runAll(
  request: Request,
  runs: readonly Run[],
  services: (broker: BrokerName) => Services,
): Promise<RunReport[]> {
  const reports: RunReport[] = [];
  const history = new History();
  const queue = request.seeds.flatMap((seed) => runs.map((run) => ({ ...run, seed }))).values();
  console.log(tableHead());
  const job = async () => {
    for (const { faultCase, broker, seed } of queue) {
      const report = await runCase(faultCase, services(broker), { ...request, broker, seed });
      reports.push(report);
      history.add(report, request.planted);
      console.log([tableLine(report), ...details(report)].join('\n'));
    }
  };
  await Promise.all(Array.from({ length: request.jobs }, job));
  return reports;
}

function list(): number {
  for (const faultCase of faultCases) {
    const { number, fault, looksFor } = faultCase;
    const where = `on ${runsOn(faultCase).join(', ')}; transaction: ${modeOf(faultCase)}`;
    const quick = faultCase.heavy ? 'not in --quick' : 'in --quick';
    console.log(`${String(number).padStart(3)}  ${fault}  [${looksFor}]  ${where}; ${quick}`);
  }
  return 0;
}

function showHistory({ since }: Request): number {
  console.log(`${'ended'.padEnd(20)} ${'commit'.padEnd(9)}${tableHead()}`);
  for (const run of new History().runs(since)) {
    const planted = run.planted.map((bug) => `  planted: ${bug}`);
    console.log(`${run.endedAt.slice(0, 19).padEnd(20)} ${run.commit.padEnd(9)}${tableLine(run)}${planted}`);
  }
  return 0;
}

function writeEvidence({ since }: Request): number {
  const table = evidenceTable(new History().runs(since));
  writeFileSync(readme, withTable(readFileSync(readme, 'utf8'), table));
  console.log(table);
  return 0;
}

async function main(request: Request): Promise<number> {
  if (request.list) return list();
  if (request.history) return showHistory(request);
  if (request.evidence) return writeEvidence(request);
  const unknown = (request.cases ?? []).filter((number) => !faultCases.some((one) => one.number === number));
  if (unknown.length > 0) throw new Error(`no such case: ${unknown.join(', ')} (see --list)`);
  const runs = wantedRuns(request);
  const postgres = await findPostgres();
  const kafka = runs.some(({ broker }) => broker === 'kafka') ? await findKafka() : null;
  const leastMs = kafka === null ? 0 : await shortestSessionTimeoutMs(kafka);
  const services = (broker: BrokerName): Services => ({
    postgres,
    broker: broker === 'kafka' ? () => kafkaGround(kafka!.apart(), leastMs) : databaseGround,
  });
  const interrupted = new Promise<never>((_, reject) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.once(signal, () => reject(new Error(`interrupted by ${signal}`)));
    }
  });
  try {
    const reports = await Promise.race([runAll(request, runs, services), interrupted]);
    if (request.json !== null) writeFileSync(request.json, JSON.stringify(reports, null, 2));
    const red = reports.filter(({ findings }) => findings.length > 0);
    console.log(`${reports.length} runs, ${red.length} with findings`);
    return red.length === 0 ? 0 : 1;
  } finally {
    killAllWorkers();
    await removeRunning();
    await kafka?.stop();
    await postgres.stop();
  }
}

process.on('exit', killAllWorkers);
main(parseRequest(process.argv.slice(2))).then(
  (code) => process.exit(code),
  (error) => {
    console.error(error);
    process.exit(1);
  },
);
