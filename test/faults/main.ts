/**
 * `npm run faults`: runs the cases one after another against real PostgreSQL and real Kafka.
 *
 * Exits with 1 where a run shows an anomaly or its fault did not fire. Leaves no process, database or topic.
 */
import { writeFileSync } from 'node:fs';
import { findKafka } from '../services/kafka.js';
import { findPostgres } from '../services/postgres.js';
import { faultCases } from './cases/case-table.js';
import { parseRequest, type Request } from './command-line.js';
import { details, tableHead, tableLine } from './harness/report.js';
import { type RunReport, removeRunning, runCase } from './harness/run-case.js';
import { shortestSessionTimeoutMs } from './harness/session-timeout.js';
import type { Services } from './harness/stage.js';
import { killAllWorkers } from './harness/worker-process.js';

async function runAll(request: Request, services: Services): Promise<RunReport[]> {
  const reports: RunReport[] = [];
  console.log(tableHead());
  for (const seed of request.seeds) {
    for (const faultCase of faultCases) {
      if (request.cases !== null && !request.cases.includes(faultCase.number)) continue;
      const report = await runCase(faultCase, services, { ...request, seed });
      reports.push(report);
      console.log(tableLine(report));
      for (const line of details(report)) console.log(line);
    }
  }
  return reports;
}

async function main(request: Request): Promise<number> {
  if (request.list) {
    for (const { number, fault, looksFor } of faultCases) {
      console.log(`${String(number).padStart(3)}  ${fault}  [${looksFor}]`);
    }
    return 0;
  }
  const unknown = (request.cases ?? []).filter((number) => !faultCases.some((one) => one.number === number));
  if (unknown.length > 0) throw new Error(`no such case: ${unknown.join(', ')} (see --list)`);
  const [postgres, kafka] = await Promise.all([findPostgres(), findKafka()]);
  const sessionTimeoutMs = await shortestSessionTimeoutMs(kafka);
  const interrupted = new Promise<never>((_, reject) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.once(signal, () => reject(new Error(`interrupted by ${signal}`)));
    }
  });
  try {
    const reports = await Promise.race([runAll(request, { postgres, kafka, sessionTimeoutMs }), interrupted]);
    if (request.json !== null) writeFileSync(request.json, JSON.stringify(reports, null, 2));
    const red = reports.filter(({ findings }) => findings.length > 0);
    console.log(`${reports.length} runs, ${red.length} with findings`);
    return red.length === 0 ? 0 : 1;
  } finally {
    killAllWorkers();
    await removeRunning();
    await kafka.stop();
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
