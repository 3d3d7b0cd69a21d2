/**
 * When the next group may begin, and how large it is: learnt for each handler from how its groups went. Before step 4
 * of an event's life.
 *
 * A group is as large as the most cautious of its handlers allows.
 */
import type { Clock } from '../clock.js';
import { ConnectionBudget, groupsAtOnce } from './connection-budget.js';
import { type GroupOutcome, GroupSize } from './group-size.js';
import type { HandlerUnit } from './handler-unit.js';
import { Turns } from './turns.js';

export interface GroupPaceOptions {
  readonly clock: Clock;
  readonly maxEvents: number;
  readonly maxOpenMs: number;
  /** Of the storage's pool; `null` where it has none. */
  readonly connections: number | null;
}

interface HandlerPace {
  readonly size: GroupSize;
  readonly turns: Turns;
}

export class GroupPace {
  readonly #options: GroupPaceOptions;
  readonly #budget: ConnectionBudget;
  /** By the handler's id. */
  readonly #handlers = new Map<number, HandlerPace>();

  constructor(options: GroupPaceOptions) {
    this.#options = options;
    this.#budget = new ConnectionBudget(groupsAtOnce(options.connections));
  }

  /** Most units of a group that has this one. */
  mostWith({ known }: HandlerUnit): number {
    return this.#of(known.id).size.current;
  }

  /**
   * Resolves when the group may begin its transaction, or `draining` aborts, with what is to be called when that has
   * ended.
   */
  async enter(units: readonly Pick<HandlerUnit, 'known'>[], draining: AbortSignal): Promise<() => void> {
    const ends: (() => void)[] = [];
    for (const { turns } of this.#pacesOf(units)) ends.push(await turns.take(draining));
    ends.push(await this.#budget.take(draining));
    return () => {
      for (const end of ends) end();
    };
  }

  committed(units: readonly HandlerUnit[], outcome: GroupOutcome): void {
    for (const { size } of this.#pacesOf(units)) size.committed(outcome);
  }

  /** The group met another transaction's locks for too long, or in a deadlock. */
  collided(units: readonly HandlerUnit[]): void {
    for (const { size, turns } of this.#pacesOf(units)) {
      size.collided(units.length);
      turns.collided();
    }
  }

  /** In the order of their ids, so that groups that share several handlers do not wait for each other in a circle. */
  #pacesOf(units: readonly Pick<HandlerUnit, 'known'>[]): HandlerPace[] {
    const ids = new Set(units.map(({ known }) => known.id));
    return [...ids].toSorted((one, other) => one - other).map((id) => this.#of(id));
  }

  #of(id: number): HandlerPace {
    const { clock, maxEvents, maxOpenMs } = this.#options;
    const present = this.#handlers.get(id);
    if (present !== undefined) return present;
    const made = { size: new GroupSize(maxEvents, maxOpenMs), turns: new Turns(clock) };
    this.#handlers.set(id, made);
    return made;
  }
}
