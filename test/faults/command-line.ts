/**
 * What `npm run faults` can be asked for.
 */
import { Command, InvalidArgumentError, Option } from 'commander';
import { type BrokerName, brokerNames } from './broker/broker-ground.js';
import { type TransactionMode, transactionModes } from './harness/fault-case.js';
import { type PlantedBug, plantedBugs } from './worker/worker-plan.js';

export interface Request {
  /** `null`: all. */
  readonly cases: readonly number[] | null;
  readonly seeds: readonly number[];
  readonly json: string | null;
  readonly list: boolean;
  /** All cases on each broker and in each mode that they exist in. */
  readonly all: boolean;
  /** The random soak alone. */
  readonly random: boolean;
  /** Prints what was run here before. */
  readonly history: boolean;
  /** Writes the table of it into the README. */
  readonly evidence: boolean;
  /** ISO 8601: history and evidence begin there. */
  readonly since: string;
  /** Every case on Kafka, and a handful on the database, where no broker is said. */
  readonly quick: boolean;
  /** `null`: not said. */
  readonly broker: BrokerName | null;
  readonly transaction: TransactionMode;
  readonly planted: readonly PlantedBug[];
  readonly patienceMs: number;
  readonly durationMs: number;
  /** Runs at a time. */
  readonly jobs: number;
}

interface Given {
  case?: number[] | 'all';
  seed?: number;
  seeds?: number[];
  quick?: true;
  broker?: BrokerName;
  transaction: TransactionMode;
  json?: string;
  list?: true;
  all?: true;
  random?: true;
  minutes?: number;
  history?: true;
  evidence?: true;
  since: string;
  patience: number;
  duration: number;
  jobs?: number;
  plant?: PlantedBug;
}

export function parseRequest(argv: readonly string[]): Request {
  const program = commandLine();
  const given = program.parse(argv, { from: 'user' }).opts<Given>();
  const { list, quick, all, random, history, evidence } = given;
  if (given.case === undefined && ![list, quick, all, random, history, evidence].includes(true)) {
    program.error('say --case, --all, --quick, --random, --list, --history or --evidence');
  }
  const minutes = given.minutes ?? (random ? 10 : undefined);
  return {
    cases: given.case === undefined || given.case === 'all' ? null : given.case,
    seeds: given.seeds ?? (given.seed === undefined && all ? [1, 2, 3] : [given.seed ?? 1]),
    json: given.json ?? null,
    ...{ list: list === true, quick: quick === true, all: all === true, random: random === true },
    ...{ history: history === true, evidence: evidence === true, since: given.since },
    broker: given.broker ?? null,
    transaction: given.transaction,
    planted: given.plant === undefined ? [] : [given.plant],
    patienceMs: given.patience * 1_000,
    durationMs: minutes === undefined ? given.duration * 1_000 : minutes * 60_000,
    jobs: given.jobs ?? (quick ? 2 : 1),
  };
}

function commandLine(): Command {
  return new Command('faults')
    .description('Runs real processes into real faults and judges what is left. See FAULTS.md for the cases.')
    .option('--case <numbers>', 'numbers with commas, or "all"', parseCases)
    .option('--seed <number>', 'seed of the schedule; default 1, with --all 1 to 3', parseWhole)
    .option('--seeds <range>', 'each seed of A..B', parseRange)
    .option('--quick', 'every case once, with one seed; some of them on the database, too')
    .addOption(
      new Option('--broker <name>', 'what the events go through; default kafka').choices(brokerNames),
    )
    .addOption(
      new Option('--transaction <where>', 'where handlers commit')
        .choices(transactionModes)
        .default('database'),
    )
    .option('--json <file>', 'writes the report there, too')
    .option('--all', 'each case on each broker and in each mode; the random soak is apart')
    .option('--random', 'the random soak alone, for --minutes')
    .option('--minutes <number>', 'of faults that have no end of their own; with --random 10', parseMinutes)
    .option('--history', 'prints the runs that were made here')
    .option('--evidence', 'writes their table into the README')
    .option('--since <time>', 'ISO 8601: what --history and --evidence begin with', '')
    .option('--list', 'lists the cases')
    .option('--patience <seconds>', 'until a run that does not come to rest is given up', parseWhole, 60)
    .option(
      '--duration <seconds>',
      'of faults that have no end of their own (cases 52 and 70)',
      parseWhole,
      15,
    )
    .option('--jobs <number>', 'runs at a time, most of which wait; default 1, with --quick 2', parseJobs)
    .addOption(
      new Option('--plant <bug>', 'takes a remedy out, to show that a case turns red').choices(plantedBugs),
    )
    .allowExcessArguments(false);
}

function parseCases(text: string): number[] | 'all' {
  return text === 'all' ? 'all' : text.split(',').map(parseWhole);
}

function parseWhole(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError(`"${text}" is not a whole number`);
  return Number(text);
}

function parseJobs(text: string): number {
  if (!/^[1-9]\d?$/.test(text)) throw new InvalidArgumentError(`"${text}" is not a number from 1 to 99`);
  return Number(text);
}

function parseMinutes(text: string): number {
  if (!/^\d{1,4}(\.\d{1,3})?$/.test(text)) throw new InvalidArgumentError(`"${text}" is not a number`);
  return Number(text);
}

function parseRange(text: string): number[] {
  const found = /^(\d{1,9})\.\.(\d{1,9})$/.exec(text);
  const [first, last] = [Number(found?.[1]), Number(found?.[2])];
  if (found === null || last < first || last - first > 9_999) {
    throw new InvalidArgumentError(`"${text}" is not a range like 1..10`);
  }
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}
