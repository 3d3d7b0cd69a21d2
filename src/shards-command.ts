/**
 * `exactly-once shards`: into how many parts the outbox is split for its relays, and who publishes which. Step 2 of an
 * event's life.
 *
 * Another number is only asked for here: the relays change it once one of them holds every part, so that no key is
 * published by two.
 */
import type { LeaseStore, RelayOverview } from '@exactly-once/core';
import { type Command, InvalidArgumentError } from 'commander';
import { databaseCommand, onStorage, type PlaceOptions } from './on-storage.js';
import { counted, isoTime, jsonText, print } from './output.js';
import { table } from './plain-table.js';

const examples = `
Examples:
  exactly-once shards --url postgres://app@db.example/payments
  exactly-once shards 8

Each shard is published by one relay at a time, in order; a key belongs to one shard. More relays than shards are
useless but as a reserve. Another number takes effect once the relays have settled what is on their way, and needs
one that runs.`;

export function shardsCommand(): Command {
  return databaseCommand('shards')
    .summary("show or change the outbox's shards")
    .description(
      'Shows into how many shards the outbox is split and who publishes them, or asks for another number.',
    )
    .argument('[number]', 'of shards that are wanted, 1 to 1,024', shardCount)
    .addHelpText('after', examples)
    .action((wanted: number | undefined, options: PlaceOptions) =>
      onStorage('shards', options, ({ leases }) => show(leases, wanted, options.json === true)),
    );
}

async function show(leases: LeaseStore, wanted: number | undefined, json: boolean): Promise<void> {
  if (wanted !== undefined) await leases.want(wanted);
  const overview = await leases.overview();
  print(json ? jsonText(overview) : textOf(overview));
}

function textOf({ shardCount, wantedShardCount, relays }: RelayOverview): string {
  const change = wantedShardCount === null ? '' : `, ${wantedShardCount} wanted`;
  const lines = [`${counted(shardCount, 'shard')}${change}`];
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

function shardCount(text: string): number {
  if (/^[1-9][0-9]{0,3}$/.test(text) && Number(text) <= 1_024) return Number(text);
  throw new InvalidArgumentError('It is no number from 1 to 1,024.');
}
