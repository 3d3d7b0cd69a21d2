/**
 * `exactly-once outbox`: what the broker refused for good, for an operator to look at, send again or give up. Beside
 * step 2 of an event's life.
 *
 * Changes rows that are dead and no others; safe to run twice, and by several at once.
 */
import { type ArchivedRow, type DeadRow, ExactlyOnceError, type OutboxStore } from '@exactly-once/core';
import { Command, Option } from 'commander';
import { databaseCommand, onStorage, type PlaceOptions } from './on-storage.js';
import { counted, isoTime, jsonText, print } from './output.js';
import { table } from './plain-table.js';
import { position, positions, positive, userName } from './words.js';

interface ListOptions extends PlaceOptions {
  readonly archive?: boolean;
  readonly limit: number;
  readonly after: bigint;
}

interface RetryOptions extends PlaceOptions {
  readonly all?: boolean;
}

interface DiscardOptions extends PlaceOptions {
  readonly reason: string;
  readonly by?: string;
}

const examples = `
Examples:
  exactly-once outbox list --url postgres://app@db.example/payments
  exactly-once outbox retry 4711 4712
  exactly-once outbox discard 4711 --reason "ordered by mistake, told to the customer"

An event that the broker refused for good is "dead": it waits here, with the later events of its topic and key behind
it, until it is sent again or given up. What was discarded stays in eo_outbox_archive: "outbox list --archive".

Exit codes:
  0  done
  1  it failed; the message says why
  2  the command line is wrong; nothing was begun
  3  some of the positions are not dead, or not any more; the others were done`;

/** Some of what was named was not there. */
const exitNotDead = 3;

/** Rows moved in one statement. */
const step = 1_000;

export function outboxCommand(): Command {
  return new Command('outbox')
    .summary('decide about events that the broker refused')
    .description('Lists events that the broker refused for good, sends them again, or gives them up.')
    .addCommand(listCommand())
    .addCommand(retryCommand())
    .addCommand(discardCommand())
    .addHelpText('after', examples)
    .showHelpAfterError('Run "exactly-once help outbox" for help.')
    .exitOverride();
}

function listCommand(): Command {
  return databaseCommand('outbox list')
    .description('Prints dead events, oldest first: why, and how many wait behind each.')
    .option('--archive', 'print what has left the outbox instead')
    .option('--limit <rows>', 'how many', positive, 100)
    .option('--after <position>', 'only those behind a position', position, 0n)
    .action((options: ListOptions) => onStorage('outbox', options, ({ outbox }) => list(outbox, options)));
}

function retryCommand(): Command {
  return databaseCommand('outbox retry')
    .description('Sends dead events again, in their old place before those that wait for them.')
    .argument('[position...]', 'of dead events', positions, [])
    .option('--all', 'all dead events')
    .action((given: readonly bigint[], options: RetryOptions) => {
      if ((given.length === 0) !== (options.all === true)) {
        throw new ExactlyOnceError('EO_OPTION_MISSING', 'outbox retry needs either positions or --all');
      }
      return onStorage('outbox', options, ({ outbox }) =>
        (options.all ? retryAll : retry)(outbox, given, options),
      );
    });
}

function discardCommand(): Command {
  return databaseCommand('outbox discard')
    .description('Gives dead events up: they are never sent, and kept in eo_outbox_archive.')
    .argument('<position...>', 'of dead events', positions)
    .addOption(new Option('--reason <text>', 'why, for those who ask later').makeOptionMandatory())
    .option('--by <name>', 'who decides (default: the user of this process)')
    .action((given: readonly bigint[], options: DiscardOptions) => {
      const decision = { by: options.by ?? userName(), why: options.reason };
      if (decision.by.trim() === '' || decision.why.trim() === '') {
        throw new ExactlyOnceError('EO_OPTION_INVALID', 'outbox discard: --reason and --by may not be blank');
      }
      return onStorage('outbox', options, async ({ outbox }) => {
        const done = await inSteps(given, (some) => outbox.dead.discard(some, decision));
        report('discarded', done, given, options);
      });
    });
}

async function list(outbox: OutboxStore, { archive, limit, after, json }: ListOptions): Promise<void> {
  const rows = archive ? await outbox.archive.list(limit, after) : await outbox.dead.list(limit, after);
  if (json) return print(jsonText(rows));
  if (rows.length === 0) return print(archive ? 'The archive is empty.' : 'No event is dead.');
  print(archive ? archiveTable(rows as ArchivedRow[]) : deadTable(rows as DeadRow[]));
  if (rows.length === limit) print(`There may be more: --after ${rows.at(-1)!.position}`);
}

async function retry({ dead }: OutboxStore, given: readonly bigint[], options: PlaceOptions): Promise<void> {
  report('retried', await inSteps(given, (some) => dead.retry(some)), given, options);
}

/** All that are dead now, each once: what is refused again meanwhile is left to the next call. */
async function retryAll({ dead }: OutboxStore, _: readonly bigint[], options: PlaceOptions): Promise<void> {
  const done: bigint[] = [];
  let rows = await dead.list(step);
  while (rows.length > 0) {
    done.push(...(await dead.retry(rows.map((row) => row.position))));
    rows = await dead.list(step, rows.at(-1)!.position);
  }
  report('retried', done, done, options);
}

async function inSteps(
  given: readonly bigint[],
  move: (some: readonly bigint[]) => Promise<bigint[]>,
): Promise<bigint[]> {
  const done: bigint[] = [];
  for (let from = 0; from < given.length; from += step)
    done.push(...(await move(given.slice(from, from + step))));
  return done;
}

/** What was done and what was not there; the exit code says which. */
function report(
  what: 'retried' | 'discarded',
  done: readonly bigint[],
  asked: readonly bigint[],
  { json }: PlaceOptions,
): void {
  const notDead = asked.filter((one) => !done.includes(one));
  if (json) print(jsonText({ [what]: done, notDead }));
  else {
    print(`${counted(done.length, 'event')} ${what}.`);
    if (notDead.length > 0) print(`Not dead, or not any more: ${notDead.join(', ')}`);
  }
  if (notDead.length > 0) process.exitCode = exitNotDead;
}

function deadTable(rows: readonly DeadRow[]): string {
  return table(
    ['POSITION', 'TOPIC', 'KEY', 'TYPE', 'ID', 'CREATED', 'WAITING', 'REASON'],
    rows.map((row) => {
      const { topic, key, type, id, createdAtMs, waiting, reason } = row;
      return [row.position, topic, key ?? '-', type, id, isoTime(createdAtMs), waiting, reason];
    }),
  );
}

function archiveTable(rows: readonly ArchivedRow[]): string {
  return table(
    ['POSITION', 'TOPIC', 'KEY', 'TYPE', 'ID', 'SETTLED', 'STATE', 'BY', 'WHY'],
    rows.map((row) => {
      const { topic, key, type, id, settledAtMs, state, decidedBy, decidedWhy } = row;
      const decided = [decidedBy ?? '-', decidedWhy ?? '-'];
      return [row.position, topic, key ?? '-', type, id, isoTime(settledAtMs), state, ...decided];
    }),
  );
}
