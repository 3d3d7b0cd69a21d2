/**
 * Runs the contestants in turn, round after round, so that what else the machine does meets all of them alike.
 * A contestant that fails does not end the others: its result says why it does not count.
 */
import type { Benchmark, RunResult, Stage } from './benchmark.js';
import { rounded } from './report.js';

export interface RunOptions {
  /** Rounds. */
  readonly repeat: number;
  /** Names of contestants to leave the others out; empty for all. */
  readonly only: readonly string[];
  readonly progress: (line: string) => void;
}

/** Rejects only where it is interrupted. */
export async function runBenchmark(
  benchmark: Benchmark,
  stage: Stage,
  { repeat, only, progress }: RunOptions,
): Promise<RunResult[]> {
  const contestants = benchmark.contestants.filter(({ name }) => only.length === 0 || only.includes(name));
  const results: RunResult[] = [];
  for (let round = 0; round < repeat; round++) {
    for (const contestant of contestants) {
      const result: RunResult = await (contestant.run ?? benchmark.run)(contestant, stage).then(
        ({ rate, findings, figures }) => ({
          contestant: contestant.name,
          rate,
          figures,
          fault: findings.length === 0 ? null : findings.join(', '),
        }),
        (error: Error) => ({ contestant: contestant.name, rate: null, fault: error.message }),
      );
      stage.interrupted.throwIfAborted();
      results.push(result);
      const { rate, fault } = result;
      const outcome = fault === null ? `${rounded(rate!)} ${benchmark.unit}` : `void: ${fault}`;
      progress(`[${results.length}/${repeat * contestants.length}] ${contestant.name}: ${outcome}`);
    }
  }
  return results;
}
