/** The in-memory world with a batch handler: what the unit tests of batch handlers share. */
import type { EventContext, HandlerDefinition } from '@exactly-once/core';
import { MemoryWorld } from './memory-world.js';

export type BatchWork = (contexts: readonly EventContext[], events: readonly unknown[]) => unknown;

export class BatchWorld extends MemoryWorld {
  /** The ids of each call of the batch handler, in order. */
  readonly batches: string[] = [];

  /** Writes the ledger for each event and then does what the test says. */
  batched(work: BatchWork = () => {}, options: Partial<HandlerDefinition> = {}): HandlerDefinition {
    return {
      name: 'b',
      type: 'happened',
      batch: 100,
      ...options,
      invokeBatch: async (events, contexts) => {
        this.batches.push(contexts.map(({ id }) => id).join(' '));
        for (const { id } of contexts) this.ledger.append({ handler: 'b', id });
        await work(contexts, events);
      },
    };
  }
}
