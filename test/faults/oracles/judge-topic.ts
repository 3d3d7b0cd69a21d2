/**
 * Compares a topic that the relay has filled, as an independent client dumps it, with what was published. Pure.
 */
import type { Attempt } from './observation.js';

export interface TopicRecord {
  /** As text. */
  readonly id: string;
  readonly partition: number;
  readonly offset: bigint;
}

export interface TopicVerdict {
  /** Committed, and not there. */
  readonly lost: readonly string[];
  /** There, and never committed. */
  readonly phantom: readonly string[];
  /** First records of a source and key out of the order in which they were written to the outbox. */
  readonly reordered: readonly string[];
  /** Records of an id after its first. */
  readonly again: number;
}

export function judgeTopic(attempts: readonly Attempt[], records: readonly TopicRecord[]): TopicVerdict {
  const wanted = new Map(attempts.map((attempt) => [textOf(attempt), attempt]));
  const first = firstRecords(records);
  const mayNot = ({ outcome, fates }: Attempt) =>
    outcome === 'fail' || Object.values(fates).every((fate) => fate === 'nothing');
  return {
    lost: [...wanted].flatMap(([id, attempt]) =>
      attempt.outcome === 'ok' && !mayNot(attempt) && !first.has(id) ? [label(attempt)] : [],
    ),
    phantom: [...first.keys()].filter((id) => wanted.get(id) === undefined || mayNot(wanted.get(id)!)),
    reordered: reordered([...first.values()], wanted),
    again: records.length - first.size,
  };
}

/** By id, in the order of each partition. */
function firstRecords(records: readonly TopicRecord[]): Map<string, TopicRecord> {
  const first = new Map<string, TopicRecord>();
  for (const record of records.toSorted((one, other) => Number(one.offset - other.offset))) {
    if (!first.has(record.id)) first.set(record.id, record);
  }
  return first;
}

function reordered(first: readonly TopicRecord[], wanted: ReadonlyMap<string, Attempt>): string[] {
  const last = new Map<string, { readonly sequence: number; readonly partition: number }>();
  return first.flatMap(({ id, partition }) => {
    const attempt = wanted.get(id);
    if (attempt === undefined || attempt.key === null) return [];
    const slot = JSON.stringify([attempt.source, attempt.key]);
    const before = last.get(slot);
    last.set(slot, { sequence: attempt.sequence, partition });
    if (before === undefined) return [];
    if (before.partition !== partition) return [`${slot} is in partitions ${before.partition}, ${partition}`];
    return before.sequence > attempt.sequence ? [`${label(attempt)} after ${before.sequence}`] : [];
  });
}

function textOf({ id }: Attempt): string {
  return Buffer.from(id ?? '', 'hex').toString();
}

function label(attempt: Attempt): string {
  return `${attempt.source} ${textOf(attempt)} (key ${attempt.key}, ${attempt.sequence})`;
}
