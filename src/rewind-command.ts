/**
 * `exactly-once rewind`: feeds a topic to a group again, only what was missed, or everything to one handler. Beside an
 * event's life, while the service is stopped.
 *
 * Shows what it would do, and does nothing without --yes. Never passes a record by.
 */
import {
  type GroupPositions,
  hasCode,
  planRewind,
  type RewindParts,
  type RewindRequest,
  type RewindTarget,
  rewind,
  type Storage,
  systemClock,
} from '@exactly-once/core';
import { InvalidArgumentError, Option } from 'commander';
import { withPositions } from './broker-positions.js';
import { type KafkaPlaceOptions, kafkaClientOptions, kafkaPlace } from './kafka-client-options.js';
import { databaseCommand, onStorage, type PlaceOptions } from './on-storage.js';
import { print } from './output.js';
import { outcomeText, rewindJson } from './rewind-report.js';
import { position, positive, time, userName } from './words.js';

interface RewindOptions extends PlaceOptions, KafkaPlaceOptions {
  readonly group: string;
  readonly to: RewindTarget;
  readonly topic?: string;
  readonly partition?: readonly number[];
  readonly handler?: string;
  readonly newGeneration?: boolean;
  readonly windowDays?: number;
  readonly pastWindow?: boolean;
  readonly by?: string;
  readonly yes?: boolean;
}

const examples = `
Examples:
  exactly-once rewind --group payments --to earliest
  exactly-once rewind --group payments --to 2026-01-31T12:00:00Z --brokers kafka-1:9092 --yes
  exactly-once rewind --group payments --topic orders --partition 3 --to 4711 --brokers kafka-1:9092 --yes
  exactly-once rewind --group totals --to earliest --handler totals/Totals.add --new-generation --yes

Stop the service first. What comes again is known by the inbox: only what a handler has missed is run, as events that were
published before it was there. With --new-generation one handler runs everything again that comes, and publishes it under
new ids; the others are not touched, its dead letters there are given up, and what it handled before is no duplicate for it
any more.

Where neither --brokers nor --client says where Kafka is, the database is the broker. Without --yes it is only shown what
would be done. It may be called again where it failed in the midst.

Exit codes:
  0  done, or shown without --yes
  1  it failed; the message says why
  2  the command line is wrong; nothing was begun
  3  refused: records would be passed by or run twice unasked, or the group runs; nothing was changed
  4  done, but members of the group have come meanwhile: restart those that began before it
  5  with --new-generation --yes: nothing would come again, so no new generation was begun; nothing was changed`;

const exitRefused = 3;
const exitJoined = 4;
const exitNothing = 5;
const dayMs = 86_400_000;

export function rewindCommand() {
  return kafkaPlace(databaseCommand('rewind'))
    .summary('feed a topic to a group again')
    .description('Sets a group back, so that its handlers get what they missed, or one of them everything.')
    .addOption(new Option('--group <name>', 'the consumer group').makeOptionMandatory())
    .addOption(
      new Option('--to <time|offset|earliest>', 'by ISO 8601 or as 24h for that long ago; an offset; or all')
        .argParser(target)
        .makeOptionMandatory(),
    )
    .option('--topic <name>', 'which topic (default: the only one that the handlers read)')
    .option('--partition <number...>', 'which partitions (default: all)', partitions)
    .option('--handler <name>', 'who runs everything again')
    .option('--new-generation', 'run everything again, for the handler that is named')
    .option('--window-days <days>', 'a shorter window than the services have recorded', positive)
    .option('--past-window', 'go behind that, although duplicates run again there')
    .option('--by <name>', 'who decides (default: the user of this process)')
    .option('--yes', 'do it')
    .addHelpText('after', examples)
    .action((options: RewindOptions) => onStorage('rewind', options, (storage) => run(storage, options)));
}

async function run(storage: Storage, options: RewindOptions): Promise<void> {
  const client = await kafkaClientOptions('exactly-once-rewind', options);
  try {
    await withPositions(client, storage, 'exactly-once-rewind', (positions) =>
      carryOut(storage, positions, options),
    );
  } catch (error) {
    if (!hasCode(error, 'EO_REWIND_REFUSED')) throw error;
    process.stderr.write(`${(error as Error).message}\n`);
    process.exitCode = exitRefused;
  }
}

async function carryOut(storage: Storage, positions: GroupPositions, options: RewindOptions): Promise<void> {
  const parts: RewindParts = { storage, positions, clock: systemClock };
  const { yes, by = userName(), json } = options;
  const request = requestOf(options);
  const outcome = yes ? await rewind(parts, { ...request, by }) : await shown(parts, request);
  print(json ? rewindJson(outcome) : outcomeText(outcome, yes === true));
  if (outcome.joined.length > 0) process.exitCode = exitJoined;
  if (yes && !outcome.changed && outcome.plan.newGeneration !== null) process.exitCode = exitNothing;
}

async function shown(parts: RewindParts, request: RewindRequest) {
  return {
    plan: await planRewind(parts, request),
    changed: false,
    generation: null,
    discarded: 0,
    joined: [],
  };
}

function requestOf(options: RewindOptions): RewindRequest {
  const { group, to, topic, partition, handler, newGeneration = false, windowDays, pastWindow } = options;
  return {
    ...{ group, to, newGeneration, pastWindow: pastWindow ?? false },
    ...(windowDays !== undefined && { windowMs: windowDays * dayMs }),
    ...(topic !== undefined && { topic }),
    ...(handler !== undefined && { handler }),
    ...(partition !== undefined && { partitions: partition }),
  };
}

function target(text: string): RewindTarget {
  if (text === 'earliest') return text;
  return /^[0-9]+$/.test(text) ? { offset: position(text) } : { timeMs: time(text) };
}

/** Of an option that may be repeated. */
function partitions(text: string, before: readonly number[] = []): readonly number[] {
  if (!/^[0-9]{1,9}$/.test(text)) throw new InvalidArgumentError('It is no partition.');
  return [...before, Number(text)];
}
