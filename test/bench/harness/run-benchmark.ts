/**
 * Runs the contestants in turn, round after round, so that what else the machine does meets all of them alike; each round
 * begins with another, so that none always follows the same.
 * A contestant that fails does not end the others: its result says why it does not count.
 */
import type { Benchmark, Contestant, RunResult, Stage } from './benchmark.js';
import { dropLog, keepIfSaid, newLog } from './run-log.js';

export interface RunOptions {
  /** Rounds. */
  readonly repeat: number;
  /** Names of contestants to leave the others out; empty for all. */
  readonly only: readonly string[];
  readonly progress: Progress;
}

/** Told of each run, with how many there are in all. */
export interface Progress {
  begins(contestant: string, total: number): void;
  ends(result: RunResult, total: number): void;
}

/** Rejects only where it is interrupted. */
export async function runBenchmark(
  benchmark: Benchmark,
  stage: Stage,
  { repeat, only, progress }: RunOptions,
): Promise<RunResult[]> {
  const contestants = benchmark.contestants.filter(({ name }) => only.length === 0 || only.includes(name));
  const total = repeat * contestants.length;
  const results: RunResult[] = [];
  for (let round = 0; round < repeat; round++) {
    const first = round % Math.max(contestants.length, 1);
    for (const contestant of [...contestants.slice(first), ...contestants.slice(0, first)]) {
      progress.begins(contestant.name, total);
      const result = await runOnce(benchmark, contestant, stage);
      results.push(result);
      progress.ends(result, total);
    }
  }
  return results;
}

/** With what its processes said, where it is void and they said anything. Rejects only where it is interrupted. */
export async function runOnce(
  benchmark: Benchmark,
  contestant: Contestant,
  stage: Stage,
): Promise<RunResult> {
  if (stage.logs === undefined) return audited(benchmark, contestant, stage);
  const log = newLog(stage.logs, contestant.name);
  const result = await audited(benchmark, contestant, { ...stage, log });
  if (result.fault !== null && keepIfSaid(log))
    return { ...result, fault: `${result.fault} (see ${log})`, log };
  dropLog(log);
  return result;
}

async function audited(benchmark: Benchmark, contestant: Contestant, stage: Stage): Promise<RunResult> {
  const { name } = contestant;
  try {
    const measured = await (contestant.run ?? benchmark.run)(contestant, stage);
    const { findings, ...figures } = measured;
    const fault =
      findings.length > 0 ? findings.join(', ') : Number.isFinite(figures.rate) ? null : 'no figure';
    return { contestant: name, ...figures, fault };
  } catch (error) {
    return { contestant: name, rate: null, fault: (error as Error).message };
  } finally {
    stage.interrupted.throwIfAborted();
  }
}
