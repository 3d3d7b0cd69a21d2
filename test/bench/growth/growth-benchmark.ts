/**
 * Whether an inbox that has grown slows admission down: fresh events before 10^3 to 10^7 rows, with ids that carry their
 * time (UUIDv7) and with ids that do not (UUIDv4), in rounds of 1,000 to a process that is warm. The change per decade is
 * the slope over all sizes.
 */
import type { Benchmark, Standing } from '../harness/benchmark.js';
import { growthRun } from './growth-run.js';

const program = 'contestants/ours-batch.entry.js';

export const growthBenchmark: Benchmark = {
  name: 'growth',
  about: 'admission before an inbox of 1,000 to 10,000,000 rows, with time-ordered and random ids',
  unit: 'events/s',
  events: 40_000,
  contestants: [
    { name: 'time-ordered', program, setting: '2000', note: 'ids are UUIDv7' },
    { name: 'random', program, setting: '2000', note: 'ids are UUIDv4' },
  ],
  ratios: {},
  derived: (contestants) =>
    Object.fromEntries(contestants.map((one) => [`${one.name}/decade`, perDecade(one)])),
  axes: { x: 'rows of the inbox, in the mean', y: 'events/s', logarithmic: true },
  run: growthRun,
  smoke: { events: 200, only: ['random'] },
};

/** The factor by which the rate changes where the inbox is ten times as large, by least squares: 0.9 is a tenth less. */
export function perDecade({ figures = {} }: Pick<Standing, 'figures'>): number | null {
  const points = Object.entries(figures).map(
    ([rows, rate]) => [Math.log10(Number(rows.slice(1))), Math.log10(rate)] as const,
  );
  if (points.length < 2) return null;
  const mean = (at: 0 | 1) => points.reduce((sum, point) => sum + point[at], 0) / points.length;
  const [x, y] = [mean(0), mean(1)];
  const slope =
    points.reduce((sum, point) => sum + (point[0] - x) * (point[1] - y), 0) /
    points.reduce((sum, point) => sum + (point[0] - x) ** 2, 0);
  return Math.round(10 ** slope * 1_000) / 1_000;
}
