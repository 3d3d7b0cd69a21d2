/**
 * Takes the events of a parked key through their handler when their time has come, until none is left or one is to wait.
 * Step 8 of an event's life.
 *
 * Each begins under a mark that was committed before, so that one that kills its process is found out: whoever dies
 * leaves the mark. A failure is recorded in a transaction of its own, behind that of the attempt: until then the event is
 * as it was, and due.
 */
import type { ParkedEntry, ParkScope } from '../failure/park-store.js';
import { attemptFirst, inTurn, type ParkedKey, type ParkRetryParts, withFirst } from './park-attempt.js';
import { parkedKey } from './park-retry.js';
import { mostDeaths } from './process-killers.js';
import { type RecordParts, RetryRecord, type UncountedFailure } from './retry-record.js';

export interface DueRetryParts extends ParkRetryParts, RecordParts {}

/**
 * `free`: nothing is left. `waits`: for its time, or for a person. `busy`: another has it. `uncounted`: something failed
 * that is not the event's fault.
 */
export type DueRetryEnd = 'free' | 'waits' | 'busy' | 'interrupted' | UncountedFailure;

/** Rejects where not even what is to be done can be found out or recorded. */
export async function retryDue(
  parts: DueRetryParts,
  scope: ParkScope,
  uncounted: number,
): Promise<DueRetryEnd> {
  const key = parkedKey(parts.directory, scope);
  const begun = await inTurn(parts, key.handler, false, () => begin(parts, key));
  if (typeof begun !== 'object') return begun;
  if ('end' in begun) return begun.end;
  let { alone } = begun;
  for (;;) {
    const attempt = await inTurn(parts, key.handler, alone, () =>
      attemptFirst(parts, key, (entry) => isDue(parts, entry) && (alone || entry.deaths === 0)),
    );
    alone = false;
    if (parts.aborted.aborted || attempt.end === 'refused' || attempt.end === 'interrupted') {
      await unmark(parts, key);
      return attempt.end === 'refused' ? 'waits' : 'interrupted';
    }
    if (attempt.end === 'failed') {
      const { entry, failure } = attempt;
      if (entry === null) throw failure.error;
      const end = await new RetryRecord(parts, key, entry).write(failure, uncounted);
      if (end !== 'next') return end;
    } else if (attempt.end !== 'handled') return attempt.end;
  }
}

/** Nobody dies of it: its process goes on, or ends in order. */
async function unmark(parts: DueRetryParts, key: ParkedKey): Promise<void> {
  const { parked } = parts.group.storage;
  await withFirst(parts, key, (transaction, entry) => parked.mark(transaction, entry, 0));
}

/** One without a time is the first since the one before it left, unless it waits for a person. */
function isDue({ group }: DueRetryParts, { deaths, nextAttemptAtMs }: ParkedEntry): boolean {
  return nextAttemptAtMs === null ? deaths === 0 : nextAttemptAtMs <= group.clock.now();
}

/** Marks the first event. The first process that died may have died of what ran beside it. */
function begin(parts: DueRetryParts, key: ParkedKey) {
  const { parked } = parts.group.storage;
  return withFirst(parts, key, async (transaction, entry) => {
    if (!isDue(parts, entry)) {
      await parked.postpone(transaction, entry, entry);
      return 'waits' as const;
    }
    const deaths = entry.begun - 1;
    if (deaths >= mostDeaths) {
      await new RetryRecord(parts, key, entry).killer(transaction, deaths);
      return 'waits' as const;
    }
    await parked.mark(transaction, entry, entry.begun + 1);
    return { alone: entry.begun > 0 || entry.deaths > 0 };
  });
}
