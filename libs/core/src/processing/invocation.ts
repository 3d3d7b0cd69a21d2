/**
 * One call of a handler for one event: the source of the ids of what it publishes.
 *
 * Made anew for each call, so that a repeated call counts its publications from the start and gives them
 * the same ids.
 */

import type { KnownHandler } from '../inbox/handler-store.js';
import type { EventContext } from './event-context.js';

export class Invocation {
  readonly #ordinals = new Map<string, number>();

  constructor(
    readonly handler: KnownHandler,
    readonly context: EventContext,
  ) {}

  /** How many events of this type and key were published before in this call. */
  nextOrdinal(type: string, key: string | null): number {
    const slot = JSON.stringify([type, key]);
    const ordinal = this.#ordinals.get(slot) ?? 0;
    this.#ordinals.set(slot, ordinal + 1);
    return ordinal;
  }
}
