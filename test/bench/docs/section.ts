/**
 * One benchmark's section of the page, as Markdown: where it ran, its contestants, its ratios, its legend, its plot.
 * Nothing in it comes from anywhere but the results.
 */
import type { Benchmark } from '../harness/benchmark.js';
import { machineLine } from '../harness/print-report.js';
import type { ContestantReport, Report } from '../harness/report.js';

/** The page with what stood between the benchmark's markers replaced. Throws where it has none. */
export function between(page: string, name: string, text: string): string {
  const [from, to] = [`<!-- results of ${name} -->`, `<!-- end of ${name} -->`];
  const [start, end] = [page.indexOf(from), page.indexOf(to)];
  if (start < 0 || end < start) throw new Error(`the page has no place for ${name}: ${from} … ${to}`);
  return `${page.slice(0, start + from.length)}\n\n${text}\n\n${page.slice(end)}`;
}

/** Throws where figures were taken that do not count. */
export function refuseProfiled({ profiled }: Pick<Report, 'profiled'>, file: string): void {
  if (profiled) throw new Error(`${file} was taken with --profile: its figures do not count`);
}

export function section({ contestants: all }: Benchmark, report: Report): string {
  const { benchmark, events, machine, contestants } = report;
  const names = new Set(contestants.map(({ name }) => name));
  const legend = all.filter(({ name, note }) => note !== undefined && names.has(name));
  const parts = [
    `${events.toLocaleString('en')} events; ${machineLine(machine)}`,
    contestantTable(contestants),
    ratioTable(report),
    legend.map(({ name, note }) => `- *${name}*: ${note}`).join('\n'),
    `![${benchmark}](benchmarks/${benchmark}.svg)`,
  ];
  return parts.filter((part) => part !== '').join('\n\n');
}

function contestantTable(contestants: readonly ContestantReport[]): string {
  const extra = [...new Set(contestants.flatMap(({ figures }) => Object.keys(figures ?? {})))];
  const unit = contestants[0]?.unit ?? '';
  return table(
    ['', `median, ${unit}`, 'minimum', 'maximum', ...extra],
    contestants.map((one) =>
      one.void
        ? [one.name, `void: ${one.reason}`, '', '', ...extra.map(() => '')]
        : [
            one.name,
            ...[one.median, one.min, one.max, ...extra.map((name) => one.figures?.[name] ?? null)].map(shown),
          ],
    ),
  );
}

function ratioTable({ ratios, spreads }: Report): string {
  const rows = Object.entries(ratios).map(([name, value]) => {
    const spread = spreads[name]?.map(shown).join(' – ') ?? '';
    return [name, value === null ? '–' : shown(value), spread];
  });
  return rows.length === 0 ? '' : table(['ratio', 'of medians', 'of each round'], rows);
}

function shown(value: number | null): string {
  return value === null ? '' : value.toLocaleString('en');
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  const rule = head.map((_, column) => (column === 0 ? '---' : '---:'));
  return [line(head), line(rule), ...rows.map(line)].join('\n');
}
