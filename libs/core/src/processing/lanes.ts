/**
 * Runs the units of a group in lanes: at the same time, as far as their handlers' `concurrency` and their keys allow.
 * Step 5 of an event's life.
 *
 * Units are begun in order, so those that were begun are always the first ones. Events of one key never overlap,
 * whichever handlers they have. Nobody is interrupted because a neighbour failed; nothing more is begun then.
 */
import { CallCutOff } from './handler-call.js';
import type { HandlerUnit } from './handler-unit.js';

export interface LaneWork {
  /** False: no further unit is to be begun. */
  readonly goesOn: () => boolean;
  /** What is the framework's own to do, while no lane runs: a nested transaction would take it along. */
  readonly alone: (unit: HandlerUnit) => boolean;
  readonly handle: (unit: HandlerUnit) => Promise<void>;
  /** A call was cut off: that leaves no transaction to the others. */
  readonly interrupt: () => void;
}

export interface LanesResult {
  /** How many units were begun; all have ended. */
  readonly begun: number;
  /** In the order of their ends. */
  readonly errors: readonly unknown[];
}

export class Lanes {
  readonly #work: LaneWork;
  readonly #running = new Set<Promise<void>>();
  /** Units of each handler that were begun and have not ended, by its id. */
  readonly #busy = new Map<number, number>();
  /** The last unit of each key. */
  readonly #tails = new Map<string, Promise<void>>();
  readonly #errors: unknown[] = [];
  #wake: () => void = () => {};

  constructor(work: LaneWork) {
    this.#work = work;
  }

  async run(units: readonly HandlerUnit[]): Promise<LanesResult> {
    let begun = 0;
    for (const unit of units) {
      if (!this.#hasRoom(unit)) await this.#room(unit);
      if (this.#errors.length > 0 || (begun > 0 && !this.#work.goesOn())) break;
      begun++;
      if (this.#work.alone(unit)) await this.#handle(unit);
      else this.#begin(unit);
    }
    await Promise.all(this.#running);
    return { begun, errors: this.#errors };
  }

  #hasRoom(unit: HandlerUnit): boolean {
    if (this.#work.alone(unit)) return this.#running.size === 0;
    return (this.#busy.get(unit.known.id) ?? 0) < (unit.handler?.concurrency ?? 1);
  }

  /** Resolves when the unit may be begun. */
  async #room(unit: HandlerUnit): Promise<void> {
    while (!this.#hasRoom(unit)) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  #begin(unit: HandlerUnit): void {
    const { id } = unit.known;
    const key = unit.event?.key ?? null;
    const before = key === null ? undefined : this.#tails.get(key);
    const handling = before === undefined ? this.#handle(unit) : before.then(() => this.#handle(unit));
    this.#busy.set(id, (this.#busy.get(id) ?? 0) + 1);
    const running = handling.then(() => {
      this.#busy.set(id, this.#busy.get(id)! - 1);
      this.#running.delete(running);
      this.#wake();
    });
    this.#running.add(running);
    if (key !== null) this.#tails.set(key, running);
  }

  /** Never rejects. */
  async #handle(unit: HandlerUnit): Promise<void> {
    if (this.#errors.length > 0) return;
    try {
      await this.#work.handle(unit);
    } catch (error) {
      this.#errors.push(error);
      if (error instanceof CallCutOff) this.#work.interrupt();
    }
  }
}

/** The one to tell: the end of a call, else the first that was not met in a transaction aborted by another. */
export function foremost(errors: readonly unknown[], isAborted: (error: unknown) => boolean): unknown {
  const cutOff = errors.find((error) => error instanceof CallCutOff);
  return cutOff ?? errors.find((error) => !isAborted(error)) ?? errors[0];
}
