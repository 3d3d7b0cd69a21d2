/**
 * The storage's part of a rewind, in memory.
 *
 * One step, all of it or nothing, as a transaction is in a database.
 */
import type { RewindStep, RewindStore, Rewound } from '@exactly-once/core';
import type { InMemoryDeadLetters } from './in-memory-dead-letters.js';
import type { InMemoryHandlers } from './in-memory-handlers.js';
import type { InMemoryParked } from './in-memory-parked.js';
import type { InMemoryFences } from './in-memory-stores.js';

interface Stores {
  readonly fences: InMemoryFences;
  readonly handlers: InMemoryHandlers;
  readonly parked: InMemoryParked;
  readonly deadLetters: InMemoryDeadLetters;
}

export class InMemoryRewinds implements RewindStore {
  readonly #stores: Stores;

  constructor(stores: Stores) {
    this.#stores = stores;
  }

  async parkedEvents(handlerId: number): Promise<number> {
    return this.#stores.parked.entries.filter((entry) => entry.handlerId === handlerId).length;
  }

  async rewind(step: RewindStep): Promise<Rewound | 'parked'> {
    const { group, topic, targets, newGeneration } = step;
    const parked = newGeneration === null ? 0 : await this.parkedEvents(newGeneration.handlerId);
    if (parked > 0) return 'parked';
    const begun = newGeneration === null ? null : await this.#begin(step);
    const fences = await this.#stores.fences.setBack(group, topic, targets);
    return { fences, generation: null, discarded: 0, ...begun };
  }

  async #begin({ topic, targets, newGeneration }: RewindStep) {
    const { handlerId, by } = newGeneration!;
    const generation = this.#stores.handlers.nextGeneration(handlerId);
    const comesAgain = this.#stores.deadLetters.letters.filter(
      (one) =>
        one.target?.handlerId === handlerId &&
        one.topic === topic &&
        (one.offset ?? -1n) >= (targets.get(one.partition ?? -1) ?? 2n ** 63n),
    );
    const why = `generation ${generation} runs everything again`;
    const ids = comesAgain.map(({ id }) => id);
    const discarded = await this.#stores.deadLetters.discard(ids, { by, why });
    return { generation, discarded: discarded.length };
  }
}
