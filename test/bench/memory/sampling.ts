/**
 * What processes hold of the machine's memory over time, and whether it is flat. Asks the operating system, so the
 * processes do nothing for it.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Series } from '../harness/benchmark.js';
import type { ContestantProcess } from '../harness/contestant-process.js';

const mostPoints = 300;

/**
 * Looks at their sum until `work` has ended; seconds and MiB. Rejects where the work does, or where one of them is gone:
 * when the work has ended, which has to notice that itself.
 */
export async function sampled<T>(
  processes: readonly Pick<ContestantProcess, 'residentMiB'>[],
  everyMs: number,
  work: () => Promise<T>,
): Promise<Series> {
  const series: Series[number][] = [];
  const startedAtMs = Date.now();
  let over = false;
  const look = async () => {
    while (!over) {
      const each = await Promise.all(processes.map((one) => one.residentMiB()));
      const sum = each.reduce((a, b) => a + b, 0);
      series.push([(Date.now() - startedAtMs) / 1_000, sum]);
      await sleep(everyMs);
    }
  };
  const working = work().finally(() => {
    over = true;
  });
  for (const one of await Promise.allSettled([working, look()])) {
    if (one.status === 'rejected') throw one.reason;
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
    peakMiB: most(values),
  };
}

export interface Absence {
  /** Median of the half before the broker went: what is needed is there by then. */
  readonly beforeMiB: number;
  /** Most of the time while it was away. */
  readonly awayMiB: number;
}

/** `from` and `to` in the seconds of the series. */
export function absence(series: Series, from: number, to: number): Absence {
  const within = (first: number, last: number) =>
    series.filter(([second]) => second >= first && second <= last).map(([, value]) => value);
  return {
    beforeMiB: median(within(from / 2, from)),
    awayMiB: most(within(from, to)),
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

function most(values: readonly number[]): number {
  return values.length === 0 ? Number.NaN : Math.max(...values);
}
