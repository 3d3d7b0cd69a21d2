/**
 * What a rewind has done or would do, for people and for programs.
 *
 * Offsets count records at most: a compacted topic and the markers of transactions leave gaps.
 */
import type { PartitionRewind, RewindOutcome } from '@exactly-once/core';
import { counted, jsonText } from './output.js';
import { table } from './plain-table.js';

export function rewindJson({ plan, ...rest }: RewindOutcome): string {
  const { group, topic, newGeneration, partitions } = plan;
  return jsonText({
    ...{ group, topic, handler: newGeneration?.name ?? null, ...rest },
    partitions: partitions.map(({ partition, from, to, clamped, ...one }) => {
      return { partition, from, to, records: again({ from, to }), clamped, committed: one.committed };
    }),
  });
}

export function outcomeText(outcome: RewindOutcome, asked: boolean): string {
  const { plan, changed, generation, discarded, joined } = outcome;
  const { group, topic, newGeneration, partitions } = plan;
  const who =
    newGeneration === null
      ? 'only what its handlers have missed is run'
      : `${newGeneration.name} runs everything again that comes, and publishes it under new ids`;
  const lines = [`${topic} for group ${group}: ${who}`, standingTable(partitions)];
  if (partitions.some(({ clamped }) => clamped)) lines.push('* older records have left the log');
  if (!changed) lines.push(asked ? 'It stands there already. Nothing was changed.' : notAsked);
  if (changed) lines.push(done(generation, discarded));
  if (joined.length > 0) lines.push(`Restart what began before this: ${joined.join(', ')}`);
  return lines.join('\n');
}

const notAsked = 'Nothing was changed. Say --yes to do it.';

function standingTable(partitions: readonly PartitionRewind[]): string {
  return table(
    ['PARTITION', 'STANDS AT', 'GOES TO', 'COME AGAIN'],
    partitions.map(({ partition, from, to, clamped }) => [
      ...[partition, from ?? 'not begun', to === null ? '-' : `${to}${clamped ? '*' : ''}`],
      again({ from, to }),
    ]),
  );
}

function again({ from, to }: Pick<PartitionRewind, 'from' | 'to'>): bigint {
  return from === null || to === null ? 0n : from - to;
}

function done(generation: number | null, discarded: number): string {
  if (generation === null) return 'Done. Start the service.';
  const letters = discarded === 0 ? '' : ` ${counted(discarded, 'dead letter')} given up.`;
  return `Done, as generation ${generation}.${letters} Start the service.`;
}
