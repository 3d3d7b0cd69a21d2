/**
 * A report for people, in a terminal: the machine, a row for each contestant, the ratios, and what a contestant's name
 * does not say.
 */
import type { Benchmark } from './benchmark.js';
import type { Machine } from './machine.js';
import type { Report } from './report.js';

export function printReport({ contestants: all }: Benchmark, given: Report): void {
  const { benchmark, events, machine, contestants, ratios, spreads, profiled } = given;
  const counts = profiled === true ? '; while profiled: no figure counts' : '';
  process.stdout.write(`\n${benchmark}, ${events} events; ${machineLine(machine)}${counts}\n`);
  console.table(contestants.map(({ figures, series, ...one }) => ({ ...one, ...figures })));
  if (Object.keys(ratios).length > 0)
    console.table(
      Object.entries(ratios).map(([ratio, value]) => {
        const [least, most] = spreads[ratio] ?? ['', ''];
        return { ratio, 'of medians': value ?? '–', 'least of a round': least, 'most of a round': most };
      }),
    );
  const ran = new Set(contestants.map(({ name }) => name));
  for (const { name, note } of all) {
    if (note !== undefined && ran.has(name)) process.stdout.write(`${name}: ${note}\n`);
  }
}

export function machineLine(machine: Machine): string {
  const { cpu, cores, memoryGiB, node, postgres, kafka } = machine;
  const settings = Object.entries(machine.settings).map(([name, value]) => `${name} ${value}`);
  const server = [`PostgreSQL ${postgres}`, ...(settings.length > 0 ? [`(${settings.join(', ')})`] : [])];
  return `${cores} × ${cpu}, ${memoryGiB} GiB, Node ${node}, ${server.join(' ')}, Kafka ${kafka}`;
}
