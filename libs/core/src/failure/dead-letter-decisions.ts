/**
 * What a person decides about many dead letters, taken in bounded steps. Step 8 of an event's life.
 *
 * Each step is a transaction of its own: where one fails, what was done stays done, and the same call goes on from
 * there. A letter that died after the call began is left to the next one, so that no call runs for ever.
 */
import { ExactlyOnceError } from '../errors/exactly-once-error.js';
import type { DiscardDecision } from '../outbox/dead-row-store.js';
import type { DeadLetterFilter, DeadLetterStore, ReplayAnswer } from './dead-letter-store.js';

/** Called after each step with the letters that were looked at so far. */
export type DecisionProgress = (looked: number) => void;

export interface ReplayReport {
  readonly replayed: number;
  /** Those that were not, and why, in the order of their ids. */
  readonly refused: readonly ReplayAnswer[];
}

export interface DiscardReport {
  readonly discarded: number;
  /** Those that were asked for by their ids and are not dead, or not any more. */
  readonly notDead: readonly bigint[];
}

/** Letters in one transaction. */
const step = 200;

/**
 * Replays the dead letters that fit; an empty filter is all of them. Throws EO_OPTION_INVALID where `by` is blank. A
 * letter that somebody else decides about meanwhile is named only where it was asked for by its id.
 */
export async function replayLetters(
  store: DeadLetterStore,
  filter: DeadLetterFilter,
  by: string,
  progress: DecisionProgress = () => {},
): Promise<ReplayReport> {
  checkWords({ by });
  let replayed = 0;
  const refused: ReplayAnswer[] = [];
  await inSteps(store, filter, progress, async (ids) => {
    for (const answer of await store.replay(ids, by)) {
      if (answer.outcome === 'replayed') replayed++;
      else if (answer.outcome !== 'not-dead' || filter.ids !== undefined) refused.push(answer);
    }
  });
  return { replayed, refused: refused.sort((one, other) => (one.id < other.id ? -1 : 1)) };
}

/** Discards the dead letters that fit. Throws EO_OPTION_INVALID where reason or name are blank. */
export async function discardLetters(
  store: DeadLetterStore,
  filter: DeadLetterFilter,
  decision: DiscardDecision,
  progress: DecisionProgress = () => {},
): Promise<DiscardReport> {
  checkWords({ ...decision });
  let discarded = 0;
  const notDead: bigint[] = [];
  await inSteps(store, filter, progress, async (ids) => {
    const done = new Set(await store.discard(ids, decision));
    discarded += done.size;
    if (filter.ids !== undefined) notDead.push(...ids.filter((id) => !done.has(id)));
  });
  return { discarded, notDead };
}

/** Throws EO_OPTION_INVALID for a word that says nothing: who asks later would not know. */
export function checkWords(words: Readonly<Record<string, string>>): void {
  for (const [name, word] of Object.entries(words)) {
    if (typeof word === 'string' && word.trim() !== '') continue;
    throw new ExactlyOnceError(
      'EO_OPTION_INVALID',
      `a decision about dead letters: \`${name}\` may not be blank`,
    );
  }
}

async function inSteps(
  store: DeadLetterStore,
  filter: DeadLetterFilter,
  progress: DecisionProgress,
  decide: (ids: readonly bigint[]) => Promise<void>,
): Promise<void> {
  let looked = 0;
  for await (const ids of pages(store, filter)) {
    await decide(ids);
    looked += ids.length;
    progress(looked);
  }
}

/**
 * In the order of the events' first letters, also from page to page: what a page replays may run before the next. Ids that
 * nothing else is said about are taken as they are, so that each gets its answer.
 */
async function* pages(store: DeadLetterStore, filter: DeadLetterFilter): AsyncGenerator<readonly bigint[]> {
  const { ids, ...others } = filter;
  if (ids !== undefined && Object.values(others).every((word) => word === undefined)) {
    const heads = await store.list({ ids }, ids.length);
    const sorted = [...new Set([...heads.map(({ id }) => id), ...ids])];
    for (let from = 0; from < sorted.length; from += step) yield sorted.slice(from, from + step);
    return;
  }
  const last = await store.lastId();
  for (let after = 0n; ; ) {
    const heads = await store.list({ ...filter, state: 'dead' }, step, after);
    const end = heads.at(-1);
    const page = heads.map(({ id }) => id).filter((id) => id <= last);
    if (page.length > 0) yield page;
    if (end === undefined || (end.replayOf ?? end.id) > last) return;
    after = end.id;
  }
}
