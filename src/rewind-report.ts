/**
 * What a rewind has done or would do, for people and for programs.
 *
 * Offsets count records at most: a compacted topic and the markers of transactions leave gaps.
 */
import { type GroupHandler, isMoved, type PartitionRewind, type RewindOutcome } from '@exactly-once/core';
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
  const comes = partitions.some(isMoved);
  const lines = [`${topic} for group ${group}: ${purpose(newGeneration)}`, standingTable(partitions)];
  if (partitions.some(({ clamped }) => clamped)) lines.push('* older records have left the log');
  if (!changed && comes) lines.push(notAsked);
  if (!changed && !comes) lines.push(nothingComes(newGeneration, asked));
  if (changed) lines.push(done(generation, discarded));
  if (joined.length > 0) lines.push(`Restart what began before this: ${joined.join(', ')}`);
  return lines.join('\n');
}

function purpose(newGeneration: GroupHandler | null): string {
  if (newGeneration === null) return 'only what its handlers have missed is run';
  return `${newGeneration.name} runs everything again that comes, and publishes it under new ids`;
}

function nothingComes(newGeneration: GroupHandler | null, asked: boolean): string {
  const why = asked ? 'Nothing was changed.' : 'Nothing would be changed.';
  if (newGeneration === null) return `It stands there already. ${why}`;
  const { name, generation } = newGeneration;
  const stays = `no new generation ${asked ? 'was' : 'would be'} begun, ${name} stays in generation ${generation}`;
  return `No record would come again: each partition stands there already, or has not come to it. So ${stays}. ${why}`;
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
