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
  /** Every case on Kafka, and a handful on the database, where no broker is said. */
  readonly quick: boolean;
  /** `null`: not said. */
  readonly broker: BrokerName | null;
  readonly transaction: TransactionMode;
  readonly planted: readonly PlantedBug[];
  readonly patienceMs: number;
  readonly durationMs: number;
}

export function parseRequest(argv: readonly string[]): Request {
  const program = new Command('faults')
    .description('Runs real processes into real faults and judges what is left. See FAULTS.md for the cases.')
    .option('--case <numbers>', 'numbers with commas, or "all"', parseCases)
    .option('--seed <number>', 'seed of the schedule; default 1', parseWhole)
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
    .option('--list', 'lists the cases')
    .option('--patience <seconds>', 'until a run that does not come to rest is given up', parseWhole, 60)
    .option('--duration <seconds>', 'of faults that have no end of their own (case 52)', parseWhole, 15)
    .addOption(
      new Option('--plant <bug>', 'takes a remedy out, to show that a case turns red').choices(plantedBugs),
    )
    .allowExcessArguments(false);
  const given = program.parse(argv, { from: 'user' }).opts<{
    case?: number[] | 'all';
    seed?: number;
    seeds?: number[];
    quick?: true;
    broker?: BrokerName;
    transaction: TransactionMode;
    json?: string;
    list?: true;
    patience: number;
    duration: number;
    plant?: PlantedBug;
  }>();
  if (given.list === undefined && given.quick === undefined && given.case === undefined) {
    program.error('say --case, --quick or --list');
  }
  return {
    cases: given.case === undefined || given.case === 'all' ? null : given.case,
    seeds: given.seeds ?? [given.seed ?? 1],
    json: given.json ?? null,
    list: given.list === true,
    quick: given.quick === true,
    broker: given.broker ?? null,
    transaction: given.transaction,
    planted: given.plant === undefined ? [] : [given.plant],
    patienceMs: given.patience * 1_000,
    durationMs: given.duration * 1_000,
  };
}

function parseCases(text: string): number[] | 'all' {
  return text === 'all' ? 'all' : text.split(',').map(parseWhole);
}

function parseWhole(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError(`"${text}" is not a whole number`);
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
