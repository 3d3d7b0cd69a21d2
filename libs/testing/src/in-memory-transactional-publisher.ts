/**
 * Transactions of the broker without a server: a batch and its token are there together, or not at all.
 *
 * Keeps for each shard who opened it last; nobody else commits.
 */
import {
  type EventEnvelope,
  ExactlyOnceError,
  type OutboxShard,
  type SendOutcome,
  type ShardPublisher,
  type TransactionalBatch,
  type TransactionalPublisher,
} from '@exactly-once/core';

export interface ShardState {
  /** Grows with each that opens the shard. */
  epoch: number;
  committed: bigint | null;
}

export class InMemoryTransactionalPublisher implements TransactionalPublisher {
  readonly #shards: Map<string, ShardState>;
  readonly #append: (events: readonly EventEnvelope[]) => void;

  constructor(shards: Map<string, ShardState>, append: (events: readonly EventEnvelope[]) => void) {
    this.#shards = shards;
    this.#append = append;
  }

  async open({ outbox, shard }: OutboxShard): Promise<ShardPublisher> {
    const name = `${outbox}/${shard}`;
    const state = this.#shards.get(name) ?? { epoch: 0, committed: null };
    this.#shards.set(name, state);
    const epoch = ++state.epoch;
    const check = () => {
      if (state.epoch !== epoch) throw new ExactlyOnceError('EO_FENCED', `${name} was opened again`);
    };
    return {
      committed: state.committed,
      publish: async (events: readonly EventEnvelope[], { token, confirm }: TransactionalBatch) => {
        check();
        await confirm(events.map((_, index) => index));
        check();
        this.#append(events);
        state.committed = token;
        return events.map((): SendOutcome => ({ status: 'sent' }));
      },
      close: async () => {},
    };
  }

  async stop(): Promise<void> {}
}
