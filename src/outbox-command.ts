/**
 * `exactly-once outbox`: what the broker refused for good, for an operator to look at, send again or give up. Beside
 * step 2 of an event's life.
 *
 * Changes rows that are dead and no others; safe to run twice, and by several at once.
 */
import { userInfo } from 'node:os';
import { type ArchivedRow, type DeadRow, ExactlyOnceError, type OutboxStore } from '@exactly-once/core';
import { storageOn } from '@exactly-once/typeorm';
import { Command, InvalidArgumentError, Option } from 'commander';
import { connect } from './connect.js';
import { table } from './plain-table.js';

interface PlaceOptions {
  readonly url?: string;
  readonly schema?: string;
  readonly json?: boolean;
}

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

/** Of PostgreSQL's bigint. */
const mostPosition = 2n ** 63n - 1n;

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
  return placed('list')
    .description('Prints dead events, oldest first: why, and how many wait behind each.')
    .option('--archive', 'print what has left the outbox instead')
    .option('--limit <rows>', 'how many', positive, 100)
    .option('--after <position>', 'only those behind a position', position, 0n)
    .action((options: ListOptions) => withOutbox(options, (outbox) => list(outbox, options)));
}

function retryCommand(): Command {
  return placed('retry')
    .description('Sends dead events again, in their old place before those that wait for them.')
    .argument('[position...]', 'of dead events', positions, [])
    .option('--all', 'all dead events')
    .action((given: readonly bigint[], options: RetryOptions) => {
      if ((given.length === 0) !== (options.all === true)) {
        throw new ExactlyOnceError('EO_OPTION_MISSING', 'outbox retry needs either positions or --all');
      }
      return withOutbox(options, (outbox) => (options.all ? retryAll : retry)(outbox, given, options));
    });
}

function discardCommand(): Command {
  return placed('discard')
    .description('Gives dead events up: they are never sent, and kept in eo_outbox_archive.')
    .argument('<position...>', 'of dead events', positions)
    .addOption(new Option('--reason <text>', 'why, for those who ask later').makeOptionMandatory())
    .option('--by <name>', 'who decides (default: the user of this process)')
    .action((given: readonly bigint[], options: DiscardOptions) => {
      const decision = { by: options.by ?? userName(), why: options.reason };
      if (decision.by.trim() === '' || decision.why.trim() === '') {
        throw new ExactlyOnceError('EO_OPTION_INVALID', 'outbox discard: --reason and --by may not be blank');
      }
      return withOutbox(options, async (outbox) => {
        const done = await inSteps(given, (some) => outbox.dead.discard(some, decision));
        report('discarded', done, given, options);
      });
    });
}

function placed(name: string): Command {
  return new Command(name)
    .addOption(
      new Option('--url <url>', 'the database, as postgres://user:password@host:port/name').env(
        'DATABASE_URL',
      ),
    )
    .option('--schema <name>', "schema of the tables (default: the role's search path)")
    .option('--json', 'print JSON, for programs')
    .showHelpAfterError(`Run "exactly-once outbox ${name} --help" for help.`)
    .allowExcessArguments(false)
    .exitOverride();
}

async function withOutbox(
  { url, schema }: PlaceOptions,
  work: (outbox: OutboxStore) => Promise<void>,
): Promise<void> {
  if (url === undefined)
    throw new ExactlyOnceError('EO_OPTION_MISSING', 'outbox needs --url or DATABASE_URL');
  const dataSource = await connect(url);
  try {
    const storage = storageOn(dataSource, schema === undefined ? {} : { schema });
    await storage.open();
    try {
      await work(storage.outbox);
    } finally {
      await storage.close();
    }
  } finally {
    await dataSource.destroy();
  }
}

async function list(outbox: OutboxStore, { archive, limit, after, json }: ListOptions): Promise<void> {
  const rows = archive ? await outbox.archive.list(limit, after) : await outbox.dead.list(limit, after);
  if (json) return print(JSON.stringify(rows.map(jsonOf)));
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
  if (json) print(JSON.stringify({ [what]: done.map(String), notDead: notDead.map(String) }));
  else {
    print(`${done.length} ${done.length === 1 ? 'event' : 'events'} ${what}.`);
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

/** Positions as text: they pass what a number of JSON holds. Times by ISO 8601. */
function jsonOf(row: DeadRow | ArchivedRow): object {
  const named = Object.entries(row).map(([name, value]): [string, unknown] => {
    if (typeof value === 'bigint') return [name, String(value)];
    if (!/(At|Until)Ms$/.test(name)) return [name, value];
    return [name.slice(0, -2), value === null ? null : isoTime(value as number)];
  });
  return Object.fromEntries(named);
}

function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}

function userName(): string {
  try {
    return userInfo().username;
  } catch (cause) {
    throw new ExactlyOnceError('EO_OPTION_MISSING', 'this process has no user name: say --by', { cause });
  }
}

function position(text: string): bigint {
  if (/^[0-9]{1,19}$/.test(text) && BigInt(text) <= mostPosition) return BigInt(text);
  throw new InvalidArgumentError('It is no position of a row.');
}

/** Of an argument that may be repeated. */
function positions(text: string, before: readonly bigint[] = []): readonly bigint[] {
  return [...before, position(text)];
}

function positive(text: string): number {
  if (!/^[1-9][0-9]{0,5}$/.test(text)) throw new InvalidArgumentError('It is no number from 1 to 999,999.');
  return Number(text);
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
