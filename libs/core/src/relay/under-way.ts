/**
 * Rows of a shard that were claimed and are not done, and from where on the next claim has to look. Step 2 of an event's
 * life.
 *
 * The beginning only saves the database the way over what is done, what a dead row holds back, and what waits with its
 * topic: no row that could be sent stands before it.
 */
import type { DeadRows, OutboxRow } from '../outbox/outbox-store.js';

/** All before `position` that could be sent were claimed, but for these topics. */
interface Reach {
  readonly except: readonly string[];
  readonly position: bigint;
}

const nowhere: Reach = { except: [], position: 0n };

export class UnderWay {
  readonly #positions = new Set<bigint>();
  #reach = nowhere;
  /** While topics wait, claims without them come further than this one. */
  #further = nowhere;
  #dead: DeadRows = { first: null, version: '' };

  get positions(): bigint[] {
    return [...this.#positions];
  }

  /** For a claim of all topics but these. */
  from(exceptTopics: readonly string[] = []): bigint {
    const { except, position: further } = this.#further;
    let from = this.#reach.position;
    if (further > from && isWithin(except, exceptTopics)) from = further;
    for (const position of this.#positions) if (position < from) from = position;
    return from;
  }

  /** Where a pending row can be, one that a dead row holds back as well. */
  get start(): bigint {
    const [from, { first }] = [this.from(), this.#dead];
    return first !== null && first < from ? first : from;
  }

  /**
   * True where somebody has decided on a dead row since the last claim. What stood behind it has to be claimed again,
   * before what the claim found that tells it: that may be of the same key.
   */
  decided(dead: DeadRows): boolean {
    const { first, version } = this.#dead;
    this.#dead = dead;
    if (first === null || version === dead.version) return false;
    this.#reachLess(first, null);
    return true;
  }

  /** `complete`: of other topics nothing is pending before these rows, but for what is under way or held by a dead one. */
  claimed(rows: readonly OutboxRow[], complete: boolean, exceptTopics: readonly string[] = []): void {
    for (const { position } of rows) this.#positions.add(position);
    const last = rows.at(-1);
    if (!complete || last === undefined) return;
    const reach = { except: exceptTopics, position: last.position + 1n };
    if (exceptTopics.length > 0) this.#further = furthest(this.#further, reach);
    else this.#reach = furthest(this.#reach, reach);
  }

  /** Gone from the outbox, or dead. */
  settled(positions: readonly bigint[]): void {
    for (const position of positions) this.#positions.delete(position);
  }

  /** Still in the outbox, and to be looked at again. */
  dropped(rows: readonly OutboxRow[]): void {
    for (const { position, event } of rows) {
      this.#positions.delete(position);
      this.#reachLess(position, event.topic);
    }
  }

  /** Nothing is known any more. */
  forget(): void {
    this.#positions.clear();
    this.#reach = nowhere;
    this.#further = nowhere;
  }

  /** What is there is of that topic; `null`: maybe of any. */
  #reachLess(position: bigint, topic: string | null): void {
    const { except } = this.#further;
    if (topic === null || !except.includes(topic)) this.#further = noFurther(this.#further, position);
    this.#reach = noFurther(this.#reach, position);
  }
}

function noFurther(reach: Reach, position: bigint): Reach {
  return position < reach.position ? { ...reach, position } : reach;
}

/** The old one tells of as many topics as it did, if the new one tells of all these. */
function furthest(old: Reach, reach: Reach): Reach {
  if (!isWithin(reach.except, old.except)) return reach;
  return reach.position > old.position ? { ...old, position: reach.position } : old;
}

function isWithin(some: readonly string[], others: readonly string[]): boolean {
  return some.every((one) => others.includes(one));
}
