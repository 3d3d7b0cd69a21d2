/**
 * One run of one case: stage, fault, rest, verdict. A run that finds something keeps its folder as evidence.
 */
import { createHash } from 'node:crypto';
import { rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { BrokerName } from '../broker/broker-ground.js';
import { anomalies, isClean, judge, type Verdict } from '../oracles/judge.js';
import { outputType, type PlantedBug } from '../worker/worker-plan.js';
import { type FaultCase, modeOf, type TransactionMode } from './fault-case.js';
import { observe } from './observe.js';
import { judgeSlices } from './observe-slices.js';
import { observeTransactions } from './observe-transactions.js';
import { setAside } from './set-aside.js';
import { type Services, Stage } from './stage.js';

export interface RunReport {
  readonly case: number;
  readonly broker: BrokerName;
  readonly transaction: TransactionMode;
  readonly seed: number;
  readonly fault: string;
  readonly events: number;
  /** Fired of expected. */
  readonly fired: number;
  readonly expected: number;
  /** Number of findings of each oracle. */
  readonly counts: Readonly<Record<keyof Verdict, number>>;
  readonly seconds: number;
  readonly schedule: Readonly<Record<string, unknown>>;
  readonly measured: Readonly<Record<string, unknown>>;
  /** In words: anomalies, faults that did not fire, what the case looked for in vain. Empty: green. */
  readonly findings: readonly string[];
  /** Folder with record, plans, logs and verdict; only where there are findings. */
  readonly evidence: string | null;
}

export interface RunOptions {
  readonly broker: BrokerName;
  readonly seed: number;
  readonly planted: readonly PlantedBug[];
  readonly patienceMs: number;
  readonly durationMs: number;
}

const running = new Set<Stage>();

/** Takes away what an interrupted run has made; its workers have to be dead. */
export async function removeRunning(): Promise<void> {
  await Promise.all([...running].map((stage) => stage.remove()));
}

export async function runCase(
  faultCase: FaultCase,
  services: Services,
  options: RunOptions,
): Promise<RunReport> {
  const startedAtMs = Date.now();
  const mode = modeOf(faultCase);
  const folder = resolve('evidence', evidenceName(faultCase, options));
  setAside(folder);
  const stage = new Stage(services, { ...options, caseNumber: faultCase.number, folder });
  running.add(stage);
  try {
    const verdict = await perform(faultCase, stage);
    const findings = findingsOf(stage, verdict);
    writeFileSync(
      join(folder, 'findings.json'),
      JSON.stringify({ findings, schedule: stage.schedule }, null, 1),
    );
    if (findings.length === 0) rmSync(folder, { recursive: true });
    return {
      case: faultCase.number,
      broker: options.broker,
      transaction: mode,
      seed: options.seed,
      fault: faultCase.fault,
      events: stage.messageCount,
      fired: stage.faults.filter(({ fired }) => fired).length,
      expected: stage.faults.length,
      counts: Object.fromEntries(anomalies.map((one) => [one, verdict[one].length])) as RunReport['counts'],
      seconds: Math.round((Date.now() - startedAtMs) / 100) / 10,
      schedule: stage.schedule,
      measured: stage.measured,
      findings,
      evidence: findings.length === 0 ? null : folder,
    };
  } finally {
    await stage.remove();
    running.delete(stage);
  }
}

/** Of a case's several forms each has its own: one that is green would take away what another has left. */
function evidenceName(faultCase: FaultCase, { broker, seed, planted }: RunOptions): string {
  const form = createHash('sha256').update(faultCase.fault).digest('hex').slice(0, 6);
  const mode = modeOf(faultCase) === 'kafka' ? ['transactions'] : [];
  return [`case-${faultCase.number}`, broker, ...mode, form, `seed-${seed}`, ...planted].join('-');
}

async function perform(faultCase: FaultCase, stage: Stage): Promise<Verdict> {
  try {
    await faultCase.run(stage);
  } catch (error) {
    stage.stuck.push(`the run broke off: ${error instanceof Error ? error.message : error}`);
    if (stage.topics[outputType] === undefined) throw error; // there is nothing to look at
  }
  await stage.quiet();
  if (!stage.loudErrorsExpected) stage.stuck.push(...unhandledErrors(stage));
  const left = {
    folder: stage.folder,
    database: stage.database,
    broker: stage.broker,
    topics: stage.topics,
    handlers: stage.handlers.map(({ name }) => name),
    stuck: [...new Set(stage.stuck)],
    mayComeAgain: stage.mayComeAgain,
  };
  if (stage.slices.length > 0) return judgeSlices(left, stage.slices);
  return judge(await (modeOf(faultCase) === 'kafka' ? observeTransactions : observe)(left));
}

function unhandledErrors(stage: Stage): string[] {
  return stage
    .evidence()
    .flatMap((line) => (line.kind === 'loud' ? [`${line.worker}: unhandled ${line.error}`] : []));
}

function findingsOf(stage: Stage, verdict: Verdict): string[] {
  const found = isClean(verdict)
    ? []
    : anomalies.flatMap((one) => verdict[one].slice(0, 20).map((what) => `${one}: ${what}`));
  const silent = stage.faults.filter(({ fired }) => !fired).map(({ what }) => `F: did not fire: ${what}`);
  const none = stage.faults.length === 0 ? ['F: the run broke off before its fault'] : [];
  const unmet = stage.unmet.map((what) => `looked for: ${what}`);
  const stuck = found.filter((what) => what.startsWith('V'));
  return [...stuck, ...silent, ...none, ...unmet, ...found.filter((what) => !what.startsWith('V'))];
}
