/**
 * `exactly-once shards`: into how many parts the outbox is split for its relays, and who publishes which. Step 2 of an
 * event's life.
 *
 * Another number is only asked for here: the relays change it once one of them holds every part, so that no key is
 * published by two.
 */
import { ExactlyOnceError, type LeaseStore, type RelayOverview } from '@exactly-once/core';
import { storageOn } from '@exactly-once/typeorm';
import { Command, InvalidArgumentError, Option } from 'commander';
import { connect } from './connect.js';
import { table } from './plain-table.js';

interface ShardsOptions {
  readonly url?: string;
  readonly schema?: string;
  readonly json?: boolean;
}

const examples = `
Examples:
  exactly-once shards --url postgres://app@db.example/payments
  exactly-once shards 8

Each shard is published by one relay at a time, in order; a key belongs to one shard. More relays than shards are
useless but as a reserve. Another number takes effect once the relays have settled what is on their way, and needs
one that runs.`;

export function shardsCommand(): Command {
  return new Command('shards')
    .summary("show or change the outbox's shards")
    .description(
      'Shows into how many shards the outbox is split and who publishes them, or asks for another number.',
    )
    .argument('[number]', 'of shards that are wanted, 1 to 1,024', shardCount)
    .addOption(
      new Option('--url <url>', 'the database, as postgres://user:password@host:port/name').env(
        'DATABASE_URL',
      ),
    )
    .option('--schema <name>', "schema of the tables (default: the role's search path)")
    .option('--json', 'print JSON, for programs')
    .addHelpText('after', examples)
    .showHelpAfterError('Run "exactly-once help shards" for help.')
    .allowExcessArguments(false)
    .exitOverride()
    .action(shards);
}

async function shards(wanted: number | undefined, { url, schema, json }: ShardsOptions): Promise<void> {
  if (url === undefined)
    throw new ExactlyOnceError('EO_OPTION_MISSING', 'shards needs --url or DATABASE_URL');
  const dataSource = await connect(url);
  try {
    const storage = storageOn(dataSource, schema === undefined ? {} : { schema });
    await storage.open();
    try {
      await show(storage.leases, wanted, json === true);
    } finally {
      await storage.close();
    }
  } finally {
    await dataSource.destroy();
  }
}

async function show(leases: LeaseStore, wanted: number | undefined, json: boolean): Promise<void> {
  if (wanted !== undefined) await leases.want(wanted);
  const overview = await leases.overview();
  process.stdout.write(`${json ? jsonOf(overview) : textOf(overview)}\n`);
}

function textOf({ shardCount, wantedShardCount, relays }: RelayOverview): string {
  const change = wantedShardCount === null ? '' : `, ${wantedShardCount} wanted`;
  const lines = [`${shardCount} ${shardCount === 1 ? 'shard' : 'shards'}${change}`];
  if (relays.length === 0) lines.push('No relay runs.');
  else {
    lines.push(
      table(
        ['RELAY', 'SINCE', 'SHARDS'],
        relays.map(({ name, sinceMs, shards }) => [name, isoTime(sinceMs), shards.join(' ') || '-']),
      ),
    );
  }
  return lines.join('\n');
}

function jsonOf({ relays, ...counts }: RelayOverview): string {
  const named = relays.map(({ name, sinceMs, shards }) => ({ name, since: isoTime(sinceMs), shards }));
  return JSON.stringify({ ...counts, relays: named });
}

function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}

function shardCount(text: string): number {
  if (/^[1-9][0-9]{0,3}$/.test(text) && Number(text) <= 1_024) return Number(text);
  throw new InvalidArgumentError('It is no number from 1 to 1,024.');
}
