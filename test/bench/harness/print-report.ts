/**
 * A report for people, in a terminal: the machine, a row for each contestant, the ratios, and what a contestant's name
 * does not say.
 */
import type { Benchmark } from './benchmark.js';
import type { Machine } from './machine.js';
import type { Report } from './report.js';

export function printReport({ contestants: all }: Benchmark, given: Report): void {
  const { benchmark, events, machine, contestants, ratios } = given;
  process.stdout.write(`\n${benchmark}, ${events} events; ${machineLine(machine)}\n`);
  console.table(contestants.map(({ figures, series, ...one }) => ({ ...one, ...figures })));
  if (Object.keys(ratios).length > 0)
    console.table(Object.entries(ratios).map(([ratio, value]) => ({ ratio, value: value ?? '–' })));
  const ran = new Set(contestants.map(({ name }) => name));
  for (const { name, note } of all) {
    if (note !== undefined && ran.has(name)) process.stdout.write(`${name}: ${note}\n`);
  }
}

export function machineLine({ cpu, cores, memoryGiB, node, postgres, kafka }: Machine): string {
  return `${cores} × ${cpu}, ${memoryGiB} GiB, Node ${node}, PostgreSQL ${postgres}, Kafka ${kafka}`;
}
