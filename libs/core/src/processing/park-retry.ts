/**
 * Takes the events of a parked key through their handler again by hand, in order, until none is left or one fails.
 * Step 8 of an event's life.
 *
 * Also one that waits for a person, because a person has decided. A failure is told and not counted. Never beside a batch
 * that may have an event of the key.
 */
import { ExactlyOnceError } from '../errors/exactly-once-error.js';
import type { ParkScope } from '../failure/park-store.js';
import type { HandlerDirectory } from './batch-plan.js';
import { type Attempt, attemptFirst, inTurn, type ParkedKey } from './park-attempt.js';
import { ReplayWait, type ReplayWaitParts } from './replay-wait.js';

export interface ParkRetryResult {
  /** Events that were handled, and are parked no more. */
  readonly handled: number;
  /**
   * `free`: none is left, the key goes on. `busy`: somebody else had the key for seconds. `failed`: the first that
   * is left failed, and stays. `interrupted`: the process stops.
   */
  readonly end: 'free' | 'busy' | 'failed' | 'interrupted';
  /** Why it failed, else `null`. */
  readonly error: Error | null;
}

/** Milliseconds that a key is waited for which others hold, or to which they append. */
const busyPatienceMs = 5_000;
const busyLookMs = 20;

/** Throws EO_OPTION_INVALID where no handler of this process has that id. */
export async function retryParked(parts: ReplayWaitParts, scope: ParkScope): Promise<ParkRetryResult> {
  const key = parkedKey(parts.directory, scope);
  const wait = new ReplayWait(parts, key);
  for (let handled = 0; ; handled++) {
    const attempt = await retryNext(parts, key, wait);
    if (attempt.end === 'failed') return { handled, end: 'failed', error: attempt.failure.error };
    if (attempt.end !== 'handled' && attempt.end !== 'refused')
      return { handled, end: attempt.end, error: null };
  }
}

/** Throws EO_OPTION_INVALID where no handler of this process has that id. */
export function parkedKey({ byType }: HandlerDirectory, scope: ParkScope): ParkedKey {
  const handler = [...byType.values()].flat().find(({ known }) => known.id === scope.handlerId);
  if (handler !== undefined) return { handler, scope };
  const what = `no handler of this process has the id ${scope.handlerId}`;
  throw new ExactlyOnceError('EO_OPTION_INVALID', what);
}

/** Beside other groups, unless it has killed; a key that is busy is looked at again for a while. */
async function retryNext(parts: ReplayWaitParts, key: ParkedKey, wait: ReplayWait): Promise<Attempt> {
  const { clock } = parts.group;
  const untilMs = clock.now() + busyPatienceMs;
  let alone = false;
  for (;;) {
    const attempt = await inTurn(parts, key.handler, alone, () =>
      attemptFirst(parts, key, (entry) => !wait.isDue(entry) && (alone || entry.deaths === 0)),
    );
    if (attempt.end === 'refused' && wait.isDue(attempt.entry)) {
      if (!(await wait.batchesEnd(attempt.entry)) && clock.now() >= untilMs) return { end: 'busy' };
    } else if (attempt.end === 'refused') alone = true;
    else if (attempt.end !== 'busy' || clock.now() >= untilMs) return attempt;
    else await clock.sleep(busyLookMs, parts.draining);
  }
}
