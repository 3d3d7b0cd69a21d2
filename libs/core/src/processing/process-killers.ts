/**
 * Finds the event that kills its process. Between steps 3 and 4 of an event's life.
 *
 * Who claims a partition that was not left in order runs its first events singly, each under a mark that was committed
 * before: as many as the former owner can have had in one transaction. One under whose mark a process died is a suspect,
 * and from then on runs without anything beside it; after three more deaths it is not run any more. A process that lives
 * takes its mark back, even where the partition is another's by then. No effect where all was left in order.
 */
import type { FenceClaim, ProcessingSession } from '../broker/broker.js';
import { ExactlyOnceError } from '../errors/exactly-once-error.js';
import type { Storage } from '../storage/storage.js';
import type { Logger } from '../telemetry/logger.js';
import { errorLine, unitLabel } from './batch-plan.js';
import { translated } from './group-handling.js';
import type { GroupResult } from './group-result.js';
import type { HandlerUnit } from './handler-unit.js';
import type { Stretch } from './progress.js';
import type { Quarantine } from './quarantine.js';

export interface ProcessKillersParts {
  readonly storage: Storage;
  readonly logger: Logger;
  /** Most units of one transaction. */
  readonly reach: number;
  /** Of all that runs beside it in this database. */
  readonly quarantine: Quarantine;
  /** What becomes of an event that killed its process again and again. */
  readonly fate: 'park' | 'dead-letter';
}

/** A group's result, or the unit at which an earlier one of this owner turns out to have ended. */
type Outcome = GroupResult | number;

interface GuardedGroup {
  /** Its first; none where only the position moves. */
  readonly unit: HandlerUnit | undefined;
  readonly from: number;
  readonly session: ProcessingSession;
  readonly stretch: Stretch;
}

interface Accused {
  readonly unit: HandlerUnit;
  readonly fence: FenceClaim;
  readonly name: string;
}

/** How many processes may die while they run an event, and nothing beside it. */
export const mostDeaths = 3;

export class ProcessKillers {
  readonly #parts: ProcessKillersParts;
  /** Units that are still to be run singly. */
  readonly #left = new WeakMap<FenceClaim, number>();

  constructor(parts: ProcessKillersParts) {
    this.#parts = parts;
  }

  /**
   * How many of these units, which could share a transaction, may do so. What a broker delivers again from before the
   * fence killed nobody: the former owner was done with it.
   */
  together(claim: FenceClaim | null, units: readonly HandlerUnit[]): number {
    const first = units.findIndex((unit) => this.#runsSingly(claim, unit));
    return first === -1 ? units.length : Math.max(1, first);
  }

  /** These units are done. Behind one that never shares a transaction the former owner had nothing in flight. */
  passed(claim: FenceClaim | null, units: readonly HandlerUnit[]): void {
    const singly = units.filter((unit) => this.#runsSingly(claim, unit));
    if (singly.length === 0) return;
    const alone = singly.some(({ handler }) => handler?.commit === 'event');
    this.#left.set(claim!, alone ? 0 : Math.max(0, this.#leftOf(claim) - singly.length));
  }

  /**
   * Runs a group, which is one unit under its mark where units are run singly. Where that is given up, it is
   * `hopeless` when `run` looks at it. `null`: the session drains.
   */
  async guarded(
    { unit, from, session: { fence, draining }, stretch }: GuardedGroup,
    run: () => Promise<Outcome>,
  ): Promise<Outcome | null> {
    const runs = unit !== undefined && unit.handler !== null && unit.hopeless === null;
    const accused = runs && this.#runsSingly(fence, unit) ? { unit, fence, name: nameOf(unit) } : null;
    const isSuspect = accused !== null && accused.fence.found?.suspect?.unit === accused.name;
    const leave = await stretch.waits(this.#parts.quarantine.enter(isSuspect, draining));
    if (leave === null) return null;
    try {
      return accused === null ? await run() : await this.#alone(accused, from, draining, run);
    } finally {
      leave();
    }
  }

  async #alone(
    { unit, fence, name }: Accused,
    from: number,
    draining: AbortSignal,
    run: () => Promise<Outcome>,
  ): Promise<Outcome> {
    try {
      this.#judge(unit, await this.#accuse(fence, name));
    } catch (error) {
      return {
        done: from,
        failure: { error: translated(this.#parts.storage, error), unit: null, phase: 'other' },
        handledMs: 0,
      };
    }
    const acquit = () => this.#acquit(fence);
    draining.addEventListener('abort', acquit, { once: true });
    if (draining.aborted) await acquit(); // what ends it from now on is a deploy
    let over = false;
    try {
      const outcome = await run();
      over = typeof outcome === 'number' || outcome.failure === null;
      return outcome;
    } finally {
      draining.removeEventListener('abort', acquit);
      if (!over) await acquit();
    }
  }

  #runsSingly(claim: FenceClaim | null, { delivery }: HandlerUnit): claim is FenceClaim {
    return this.#leftOf(claim) > 0 && delivery.offset >= claim!.found!.nextOffset;
  }

  #leftOf(claim: FenceClaim | null): number {
    if (claim?.found === undefined || claim.found.clean || !this.#parts.storage.fences.accuse) return 0;
    return this.#left.get(claim) ?? this.#parts.reach;
  }

  async #accuse({ key, owner, found }: FenceClaim, name: string): Promise<readonly string[]> {
    const before = found?.suspect?.unit === name ? found.suspect.owners : [];
    const others = await this.#parts.storage.fences.accuse!(key, owner, name, before);
    return others ?? []; // another owns the partition: the fence is about to say so
  }

  /** The first of those who died may have run other partitions' events beside it; the later ones did not. */
  #judge(unit: HandlerUnit, { length }: readonly string[]): void {
    const { logger, fate } = this.#parts;
    const deaths = Math.max(0, length - 1);
    if (length > 0)
      logger.warn(`processes died while they ran ${unitLabel(unit)}: ${length}, ${deaths} alone`);
    if (deaths < mostDeaths) return;
    const what = `${unitLabel(unit)}: ${deaths} processes died while they ran it alone`;
    unit.hopeless = new ExactlyOnceError('EO_PROCESS_KILLED', what, { details: { deaths } });
    unit.attempts = Math.max(unit.attempts, length);
    unit.deaths = deaths;
    unit.parks = fate === 'park';
  }

  /** Where it fails the mark may be counted as a death: that is one of three. */
  async #acquit({ key, owner }: FenceClaim): Promise<void> {
    const { storage, logger } = this.#parts;
    try {
      await storage.fences.acquit?.(key, owner);
    } catch (error) {
      logger.debug(`a mark on ${key.topic}/${key.partition} was not taken back: ${errorLine(error)}`);
    }
  }
}

/** As it stands in the fence, and in the next owner's. */
function nameOf({ delivery, known }: HandlerUnit): string {
  return `${delivery.offset} ${known.identity}`;
}
