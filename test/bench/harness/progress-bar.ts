/**
 * How far a benchmark is: a bar in a terminal, else a line for each run that has ended. Goes to standard error, so that
 * the tables can be kept.
 */
import progress from 'cli-progress';
import type { RunResult } from './benchmark.js';
import { rounded } from './report.js';
import type { Progress } from './run-benchmark.js';

/** Ends with `stop`. */
export class ProgressBar implements Progress {
  readonly #unit: string;
  readonly #bar: progress.SingleBar | null;
  #ended = 0;

  constructor(benchmark: string, unit: string) {
    this.#unit = unit;
    const format = `${benchmark} {bar} {value}/{total} | {running} | {last}`;
    this.#bar = process.stderr.isTTY
      ? new progress.SingleBar({ format, barsize: 24, hideCursor: true }, progress.Presets.shades_classic)
      : null;
  }

  begins(running: string, total: number): void {
    if (this.#bar === null) return;
    if (this.#bar.isActive) this.#bar.update(this.#ended, { running });
    else this.#bar.start(total, 0, { running, last: '' });
  }

  ends(result: RunResult, total: number): void {
    this.#ended++;
    const last = outcome(result, this.#unit);
    if (this.#bar === null) process.stderr.write(`[${this.#ended}/${total}] ${last}\n`);
    else this.#bar.update(this.#ended, { last });
  }

  stop(): void {
    this.#bar?.stop();
  }
}

/** One run in a line. */
export function outcome({ contestant, rate, fault }: RunResult, unit: string): string {
  return `${contestant}: ${fault === null ? `${rounded(rate!)} ${unit}` : `void: ${fault}`}`;
}
