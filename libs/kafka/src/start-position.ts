/**
 * Where a partition's new owner begins. Pure: it weighs what the database, the group and the log say.
 */
import { ExactlyOnceError, type FenceKey, type FenceRow } from '@exactly-once/core';

export interface PositionFacts {
  /** Topic, partition and group, for messages. */
  readonly where: string;
  readonly key: FenceKey;
  /** The fence as it stood; `null` where there is none yet. */
  readonly row: Pick<FenceRow, 'nextOffset' | 'lastFingerprint'> | null;
  /** Offset that the group has committed at the broker; `null` where it has none. */
  readonly committed: bigint | null;
  /** First offset of the log. */
  readonly low: bigint;
  /** Offset after the last record of the log. */
  readonly high: bigint;
  readonly startFrom: 'earliest' | 'latest';
  /** `offset`: what lies before the fence is never handed on again. */
  readonly dedup: 'inbox' | 'offset';
}

export interface StartPosition {
  /** Offset of the first record to handle. */
  readonly offset: bigint;
  /** The record before, to be read again and compared; `null` where there is nothing to compare. */
  readonly verify: Uint8Array | null;
  /** The log is another one than the fence knows. */
  readonly newLog: boolean;
  /** For the log file; `null` where all is as expected. */
  readonly notice: string | null;
}

/** Throws EO_OFFSET_AHEAD where records would be passed by, EO_LOG_CHANGED where a replaced log must not be begun. */
export function startPosition(facts: PositionFacts): StartPosition {
  const { row, committed, low, high, startFrom, where, key, dedup } = facts;
  const start = (offset: bigint, notice: string | null = null): StartPosition => ({
    offset,
    verify: null,
    newLog: false,
    notice,
  });
  if (row === null) {
    if (committed === null) return start(startFrom === 'earliest' ? low : high);
    return committed < low ? start(low, expired(where, committed, low)) : start(committed);
  }
  const next = row.nextOffset;
  if (high < next) return replacedLog({ where, dedup }, low, `it ends at ${high}, before ${next}`);
  // What has left the log cannot be passed by.
  if (committed !== null && committed > next && committed > low) {
    throw new ExactlyOnceError(
      'EO_OFFSET_AHEAD',
      `${where}: the broker says ${committed}, the database ${next}. Records in between would be passed by: stop the ` +
        `group's consumers and run "npx exactly-once rewind ${wordsOf(key)} --to ${next} --brokers … --yes"`,
      {
        details: { committed: String(committed), nextOffset: String(next) },
      },
    );
  }
  if (dedup === 'offset') return byFence(facts, row);
  const wanted = committed !== null && committed < next ? committed : next;
  if (wanted < low) return start(low, expired(where, wanted, low));
  if (wanted < next)
    return start(wanted, `${where}: the group stands at ${wanted}, before ${next}: it is replayed`);
  return { ...start(next), verify: next > low ? row.lastFingerprint : null };
}

function wordsOf({ group, topic, partition }: FenceKey): string {
  return `--group ${group} --topic ${topic} --partition ${partition}`;
}

/** Without an inbox the fence decides: an offset before it may be one that a crash kept from being committed. */
function byFence(
  { where, committed, low }: PositionFacts,
  { nextOffset: next, lastFingerprint }: NonNullable<PositionFacts['row']>,
): StartPosition {
  const start = { offset: next, newLog: false, notice: null };
  if (next < low) return { ...start, offset: low, verify: null, notice: expired(where, next, low) };
  const behind = `${where}: the group stands at ${committed}, before ${next}; with dedup: 'offset' that is not followed`;
  const notice = committed !== null && committed < next ? behind : null;
  return { ...start, verify: next > low ? lastFingerprint : null, notice };
}

/**
 * The log was recreated or truncated: with an inbox it is read from its beginning. Throws EO_LOG_CHANGED without one:
 * nothing would tell its records from those that were handled.
 */
export function replacedLog(
  { where, dedup }: Pick<PositionFacts, 'where' | 'dedup'>,
  low: bigint,
  why: string,
): StartPosition {
  const error = new ExactlyOnceError('EO_LOG_CHANGED', `${where}: ${why}`);
  if (dedup === 'offset') throw error;
  return { offset: low, verify: null, newLog: true, notice: error.message };
}

/** What to say of records that the retention took first. */
export function expired(where: string, wanted: bigint, low: bigint): string {
  return `${where}: records ${wanted} to ${low - 1n} have left the log before they were processed`;
}
