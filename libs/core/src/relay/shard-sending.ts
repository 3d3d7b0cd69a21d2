/**
 * How rows of a shard reach the broker and leave the outbox. Step 2 of an event's life.
 *
 * Plainly: a crash between the two sends the same rows again, with the same ids.
 */
import type { Publisher, SendOutcome } from '../broker/publisher.js';
import type { OutboxRow } from '../outbox/outbox-store.js';
import type { Storage } from '../storage/storage.js';
import type { Lease } from './lease-store.js';

export interface Sent {
  /** For each row, in order. */
  readonly outcomes: readonly SendOutcome[];
  /** Positions of rows sent before, that have left the outbox meanwhile. */
  readonly gone: readonly bigint[];
}

/**
 * Under one lease, by one caller. Rejects with EO_LEASE_LOST, and changes nothing, without the lease; after any rejection
 * it is closed, and begins again.
 */
export interface ShardSending {
  /** Before rows are claimed: settles what is in doubt from before. Does nothing where it has begun. */
  begin(): Promise<void>;
  /** Rejects where nothing certain is known: the same rows are sent again. */
  send(rows: readonly OutboxRow[]): Promise<Sent>;
  /** Takes rows that were sent out of the outbox, at once or later; those that have left it. */
  settle(positions: readonly bigint[]): Promise<readonly bigint[]>;
  /** No rows follow for now: those that are still to leave the outbox do, and are answered. */
  finish(): Promise<readonly bigint[]>;
  /** Never rejects. */
  close(): Promise<void>;
}

/** What a relay sends by: its shards' sendings. */
export interface Sending {
  of(lease: Lease): ShardSending;
}

/** For all shards of a relay: a publisher sends one batch at a time. */
export class PlainSending implements Sending {
  #turn: Promise<unknown> = Promise.resolve();

  /** `archiveMs`: for how long rows that were sent are kept in the archive; 0: not at all. */
  constructor(
    readonly storage: Storage,
    readonly publisher: Publisher,
    readonly archiveMs: number,
  ) {}

  of(lease: Lease): ShardSending {
    const { outbox } = this.storage;
    return {
      begin: () => this.#forgetDoubts(lease),
      send: async (rows) => {
        const events = rows.map(({ event }) => event);
        return { outcomes: await this.#inTurn(() => this.publisher.send(events)), gone: [] };
      },
      settle: async (positions) => {
        await outbox.settle(lease, positions, this.archiveMs);
        return positions;
      },
      finish: async () => [],
      close: async () => {},
    };
  }

  /** What a transactional relay left is sent again: who sends plainly does not ask the broker. */
  async #forgetDoubts(lease: Lease): Promise<void> {
    const { outbox } = this.storage;
    for (const doubtful of await outbox.inDoubt(lease)) {
      await outbox.conclude(lease, { ...doubtful, positions: [] });
    }
  }

  #inTurn<T>(send: () => Promise<T>): Promise<T> {
    const sent = this.#turn.then(send);
    this.#turn = sent.catch(() => undefined);
    return sent;
  }
}
