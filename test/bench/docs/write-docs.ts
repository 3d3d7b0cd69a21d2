/**
 * Puts results into `docs/benchmarks.md`: a table for each between its markers, and its plot beside the page. Writes
 * nothing between markers of which it was given no results; never a figure that a void contestant had, nor one that was
 * taken while profiles were.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { installApart } from '../harness/apart.js';
import type { Benchmark } from '../harness/benchmark.js';
import { draw } from '../harness/draw.js';
import type { Report } from '../harness/report.js';
import { between, refuseProfiled, section } from './section.js';

const page = 'docs/benchmarks.md';
const plots = 'docs/benchmarks';

export async function writeDocs(benchmarks: readonly Benchmark[], files: readonly string[]): Promise<void> {
  await installApart();
  mkdirSync(plots, { recursive: true });
  let text = readFileSync(page, 'utf8');
  for (const file of files) {
    const report = JSON.parse(readFileSync(file, 'utf8')) as Report;
    const benchmark = benchmarks.find(({ name }) => name === report.benchmark);
    if (benchmark === undefined)
      throw new Error(`${file} is of no benchmark that there is: ${report.benchmark}`);
    refuseProfiled(report, file);
    text = between(text, benchmark.name, section(benchmark, report));
    writeFileSync(join(plots, `${benchmark.name}.svg`), await draw(benchmark, report));
  }
  writeFileSync(page, text);
}
