/**
 * What goes wrong in a handler of a schedule, call by call. Shared by the schedules of failures and the simulation.
 */
import { ExactlyOnceError, PermanentError, RetryAfterError } from '@exactly-once/core';
import type { MemoryWorld } from './memory-world.js';

export type Mishap = 'no' | 'fails' | 'later' | 'permanent' | 'collides' | 'swallows';

export class Mishaps {
  readonly #world: MemoryWorld;
  /** Where what happened is written down. */
  readonly #fired: Set<string>;
  readonly #calls = new Map<string, number>();

  constructor(world: MemoryWorld, fired: Set<string>) {
    this.#world = world;
    this.#fired = fired;
  }

  /** Counts a call, and does what is due at it; beyond the last one all is well. */
  happen(call: string, due: readonly Mishap[]): void {
    const calls = this.#calls.get(call) ?? 0;
    this.#calls.set(call, calls + 1);
    const mishap = due[calls] ?? 'no';
    if (mishap !== 'no') this.#fired.add(mishap);
    if (mishap === 'fails') throw new Error('not yet');
    if (mishap === 'later') throw new RetryAfterError(700);
    if (mishap === 'permanent') throw new PermanentError('never');
    if (mishap === 'collides')
      this.#world.failStatement(new ExactlyOnceError('EO_SERIALIZATION_FAILURE', 'x'));
    if (mishap !== 'swallows') return;
    try {
      this.#world.failStatement(new Error('refused'));
    } catch {
      // as a careless handler does
    }
  }
}
