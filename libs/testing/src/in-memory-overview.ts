/**
 * Counts of what waits in the in-memory storage, for people.
 *
 * Reads only, and counts no event that is in somebody's hands.
 */
import type { DeadLetterCount, FencePosition, OverviewStore, ParkedCount } from '@exactly-once/core';
import type { InMemoryDeadLetters } from './in-memory-dead-letters.js';
import type { InMemoryHandlers } from './in-memory-handlers.js';
import type { InMemoryParked } from './in-memory-parked.js';
import type { InMemoryFences } from './in-memory-stores.js';

export interface OverviewParts {
  readonly parked: InMemoryParked;
  readonly deadLetters: InMemoryDeadLetters;
  readonly fences: InMemoryFences;
  readonly handlers: InMemoryHandlers;
}

export class InMemoryOverview implements OverviewStore {
  readonly #parts: OverviewParts;

  constructor(parts: OverviewParts) {
    this.#parts = parts;
  }

  async parked(): Promise<ParkedCount[]> {
    const { parked, handlers } = this.#parts;
    const byHandler = groups(parked.entries, ({ handlerId }) => handlers.nameOf(handlerId));
    return byHandler.map(([handler, entries]) => {
      const keys = groups(
        entries,
        ({ topic, keyHash }) => `${topic} ${Buffer.from(keyHash).toString('hex')}`,
      );
      return { handler, keys: keys.length, events: entries.length };
    });
  }

  async deadLetters(): Promise<DeadLetterCount[]> {
    const dead = this.#parts.deadLetters.letters.filter(({ state }) => state === 'dead');
    return groups(dead, ({ handler, code }) => `${handler ?? ''}\n${code}`).map(([, letters]) => {
      const { handler, code } = letters[0]!;
      return { handler, code, letters: letters.length };
    });
  }

  async positions(): Promise<FencePosition[]> {
    return this.#parts.fences.positions();
  }
}

function groups<T>(all: readonly T[], nameOf: (one: T) => string): [string, T[]][] {
  const found = new Map<string, T[]>();
  for (const one of all) found.set(nameOf(one), [...(found.get(nameOf(one)) ?? []), one]);
  return [...found].sort(([one], [other]) => (one < other ? -1 : 1));
}
