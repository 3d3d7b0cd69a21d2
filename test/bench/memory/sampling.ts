/**
 * What processes hold of the machine's memory over time, and whether it is flat. Asks the operating system, so the
 * processes do nothing for it.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Series } from '../harness/benchmark.js';
import type { ContestantProcess } from '../harness/contestant-process.js';

const mostPoints = 300;

/** Looks at their sum until `work` has ended; seconds and MiB. */
export async function sampled<T>(
  processes: readonly ContestantProcess[],
  everyMs: number,
  work: () => Promise<T>,
): Promise<Series> {
  const series: Series[number][] = [];
  const startedAtMs = Date.now();
  let over = false;
  const looking = (async () => {
    while (!over) {
      const each = await Promise.all(processes.map((one) => one.residentMiB()));
      const sum = each.reduce((a, b) => a + b, 0);
      series.push([(Date.now() - startedAtMs) / 1_000, sum]);
      await sleep(everyMs);
    }
  })();
  try {
    await work();
  } finally {
    over = true;
    await looking;
  }
  return series;
}

export interface Flatness {
  /** Median of the second fifth: what it needs is there by then. */
  readonly earlyMiB: number;
  /** Median of the last fifth. */
  readonly lateMiB: number;
  readonly peakMiB: number;
}

export function flatness(series: Series): Flatness {
  const values = series.map(([, value]) => value);
  const fifth = values.length / 5;
  return {
    earlyMiB: median(values.slice(Math.floor(fifth), Math.max(Math.floor(2 * fifth), 1))),
    lateMiB: median(values.slice(Math.floor(4 * fifth))),
    peakMiB: values.reduce((most, value) => Math.max(most, value), Number.NEGATIVE_INFINITY),
  };
}

/** For a plot: no more points than one can see. */
export function thinned(series: Series): Series {
  const step = Math.ceil(series.length / mostPoints);
  return series.filter((_, index) => index % step === 0);
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
