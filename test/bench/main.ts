/**
 * `npm run bench -- <name>`: contestants side by side, interleaved in one run; ratios, not single figures. Without a
 * name it lists what there is.
 *
 * A contestant that failed, or lost, doubled or tore an event, is void, and the run then exits with 1.
 */
import { Command, CommanderError, InvalidArgumentError } from 'commander';
import { benchmarks } from './benchmarks.js';
import { writeDocs } from './docs/write-docs.js';
import { type BenchOptions, bench } from './harness/bench.js';
import type { Benchmark } from './harness/benchmark.js';
import { built } from './harness/built.js';
import { smoke } from './harness/smoke.js';

const { nearestName } = (await built(
  'core/dist/engine/options-check.js',
)) as typeof import('../../libs/core/src/engine/options-check.js');

const interruption = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => interruption.abort(new Error(`interrupted by ${signal}`)));
}

function atLeastOne(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError('A whole number from 1 is due.');
  return value;
}

function contestantOf({ contestants }: Benchmark) {
  const names = contestants.map(({ name }) => name);
  return (name: string, before: readonly string[] = []) => {
    if (names.includes(name)) return [...before, name];
    const nearest = nearestName(name, names);
    const meant = nearest === null ? '' : `Did you mean ${nearest}? `;
    throw new InvalidArgumentError(`${meant}There are: ${names.join(', ')}.`);
  };
}

function commandOf(benchmark: Benchmark): Command {
  const command = new Command(benchmark.name)
    .description(benchmark.about)
    .option('--events <n>', 'events in each run', atLeastOne, benchmark.events)
    .option('--repeat <r>', 'runs of each contestant', atLeastOne, 5)
    .option('--only <contestants...>', 'leave the others out', contestantOf(benchmark))
    .option('--json <file>', 'write the results as JSON')
    .option('--plot <place>', 'draw them: an .svg file, or a folder for it')
    .option(
      '--profile',
      'take a CPU profile of each process, and say what is hottest; its figures do not count',
    );
  if (benchmark.name === 'growth')
    command.option('--rows <n>', 'rows of the largest inbox, by default 10,000,000', atLeastOne);
  return command.action((options: BenchOptions) => bench(benchmark, options, interruption.signal));
}

function program(): Command {
  const all = new Command('npm run bench --')
    .usage('<name> [options] | --smoke [options] | --write-docs <files...>')
    .description('Benchmarks of Exactly Once beside a floor, the hand-written way and peers.')
    .addHelpText(
      'after',
      '\n--smoke runs each of them, as small as can be; --write-docs renews docs/benchmarks.md.',
    );
  for (const benchmark of benchmarks) all.addCommand(commandOf(benchmark));
  return all;
}

function smokeProgram(): Command {
  return new Command('npm run bench --')
    .requiredOption('--smoke', 'run each benchmark as small as can be, and audit it')
    .option('--json <file>', 'write the results as JSON')
    .action(({ json }: { json?: string }) => smoke(benchmarks, { json, interrupted: interruption.signal }));
}

function docsProgram(): Command {
  return new Command('npm run bench --')
    .requiredOption(
      '--write-docs <files...>',
      'results as JSON: their tables and plots go into docs/benchmarks.md',
    )
    .action(({ writeDocs: files }: { writeDocs: string[] }) => writeDocs(benchmarks, files));
}

function programFor(given: readonly string[]): Command {
  if (given.includes('--smoke')) return smokeProgram();
  return given.includes('--write-docs') ? docsProgram() : program();
}

/** Commands below it too: an error is ours to report. */
function withoutExit(command: Command): Command {
  for (const one of [command, ...command.commands]) one.exitOverride().showSuggestionAfterError();
  return command;
}

const given = process.argv.slice(2);
try {
  const chosen = withoutExit(programFor(given));
  if (given.length === 0) chosen.outputHelp();
  else await chosen.parseAsync();
} catch (error) {
  const usage = error instanceof CommanderError;
  if (!usage) process.stderr.write(`${error instanceof Error ? error.stack : error}\n`);
  process.exitCode = usage && error.exitCode === 0 ? 0 : 2;
}
