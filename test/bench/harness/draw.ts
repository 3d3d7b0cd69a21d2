/**
 * A report as SVG: bars with the span from least to most, or lines where contestants have series. What draws stands in
 * the package apart, so it is loaded when it is there.
 */

import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Benchmark } from './benchmark.js';
import type { Report } from './report.js';

/** What the package apart is given. */
export interface Picture {
  readonly title: string;
  readonly unit: string;
  readonly bars: readonly {
    readonly name: string;
    readonly median: number;
    readonly min: number;
    readonly max: number;
  }[];
  readonly lines: readonly { readonly name: string; readonly x: number; readonly y: number }[];
  readonly axes: { readonly x: string; readonly y: string; readonly logarithmic?: boolean } | null;
}

/** After `installApart`. Contestants that are void are left out. */
export async function draw(benchmark: Benchmark, report: Report): Promise<string> {
  const place = pathToFileURL(resolve('test/bench/apart/draw.js')).href;
  const { svg } = (await import(place)) as { svg: (picture: Picture) => Promise<string> };
  return svg(picture(benchmark, report));
}

function picture({ unit, axes }: Benchmark, { benchmark, contestants }: Report): Picture {
  const clean = contestants.filter((one) => !one.void && one.median !== null);
  return {
    title: benchmark,
    unit,
    bars: clean.map(({ name, median, min, max }) => ({ name, median: median!, min: min!, max: max! })),
    lines: clean.flatMap(({ name, series = [] }) => series.map(([x, y]) => ({ name, x, y }))),
    axes: axes ?? null,
  };
}
