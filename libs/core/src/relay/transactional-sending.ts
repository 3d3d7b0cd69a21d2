/**
 * Sends the rows of a shard in transactions of the broker, and takes them out of the outbox by what the broker has
 * committed. Step 2 of an event's life, exactly once.
 *
 * Before each commit the database records the batch, where it confirms the lease. Who takes the shard over, or has lost
 * sight of its own commit, shuts the former owner out at the broker and asks it for the token of the last batch: only
 * where that is the recorded one were its rows sent.
 */
import { randomBytes } from 'node:crypto';
import type { SendOutcome } from '../broker/publisher.js';
import type { ShardPublisher, TransactionalPublisher } from '../broker/transactional-publisher.js';
import { ExactlyOnceError } from '../errors/exactly-once-error.js';
import type { OutboxBatch, OutboxRow, OutboxStore } from '../outbox/outbox-store.js';
import type { Logger } from '../telemetry/logger.js';
import type { Lease } from './lease-store.js';
import type { Sending, Sent, ShardSending } from './shard-sending.js';

export interface TransactionalSendingParts {
  readonly outbox: OutboxStore;
  readonly publisher: TransactionalPublisher;
  readonly logger: Logger;
  /** For how long rows that were sent are kept in the archive; 0: not at all. */
  readonly archiveMs: number;
}

/** For all shards of a relay: each has a transaction of its own. */
export class TransactionalSending implements Sending {
  readonly #parts: TransactionalSendingParts;

  constructor(parts: TransactionalSendingParts) {
    this.#parts = parts;
  }

  of(lease: Lease): ShardSending {
    return new TransactionalShard(this.#parts, lease);
  }
}

class TransactionalShard implements ShardSending {
  readonly #parts: TransactionalSendingParts;
  readonly #lease: Lease;
  /** `null`: nothing is known of what was sent. */
  #publisher: ShardPublisher | null = null;
  /** Committed by the broker, and still in the outbox. */
  #before: OutboxBatch | null = null;

  constructor(parts: TransactionalSendingParts, lease: Lease) {
    this.#parts = parts;
    this.#lease = lease;
  }

  async begin(): Promise<void> {
    if (this.#publisher !== null) return;
    const { outbox, publisher } = this.#parts;
    const shard = { outbox: await outbox.name(), shard: this.#lease.shard };
    // The database's word comes first: who has lost the lease must not shut out its owner.
    const doubtful = await outbox.inDoubt(this.#lease);
    const tokens = doubtful.map(({ token }) => token);
    const opened = await publisher.open(shard, tokens);
    try {
      await this.#recover(opened.committed);
    } catch (error) {
      await opened.close();
      throw error;
    }
    this.#publisher = opened;
  }

  async send(rows: readonly OutboxRow[]): Promise<Sent> {
    const publisher = this.#publisher;
    if (publisher === null) {
      throw new ExactlyOnceError('EO_INTERNAL', `shard ${this.#lease.shard} sent before it had begun`);
    }
    const token = randomBytes(8).readBigUInt64BE() >> 2n;
    const positions = (indexes: readonly number[]) => indexes.map((index) => rows[index]!.position);
    const gone: bigint[] = [];
    let prepared = false;
    const confirm = async (indexes: readonly number[]) => {
      await this.#prepare({ token, positions: positions(indexes) }, gone);
      prepared = true;
    };
    const events = rows.map(({ event }) => event);
    const outcomes = await publisher.publish(events, { token, confirm });
    if (prepared) this.#before = { token, positions: positions(sentOf(outcomes)) };
    return { outcomes, gone };
  }

  /** Leaves it to the next batch, or to `finish`. */
  async settle(): Promise<readonly bigint[]> {
    return [];
  }

  async finish(): Promise<readonly bigint[]> {
    const before = this.#before;
    if (before === null) return [];
    const { outbox, archiveMs } = this.#parts;
    await outbox.conclude(this.#lease, before, archiveMs);
    this.#before = null;
    return before.positions;
  }

  async close(): Promise<void> {
    const publisher = this.#publisher;
    this.#publisher = null;
    this.#before = null;
    await publisher?.close();
  }

  async #prepare(batch: OutboxBatch, gone: bigint[]): Promise<void> {
    const { outbox, archiveMs } = this.#parts;
    await outbox.prepare(this.#lease, batch, this.#before, archiveMs);
    gone.push(...(this.#before?.positions ?? []));
    this.#before = null;
  }

  /**
   * A token that is not the recorded one says nothing, whatever the reason: those rows are sent again. What is in doubt is
   * read once more: nothing of it can be committed any more.
   */
  async #recover(committed: bigint | null): Promise<void> {
    const { outbox, logger, archiveMs } = this.#parts;
    for (const doubtful of await outbox.inDoubt(this.#lease)) {
      const wasSent = doubtful.token === committed;
      const batch = wasSent ? doubtful : { ...doubtful, positions: [] };
      await outbox.conclude(this.#lease, batch, archiveMs);
      const what = wasSent ? 'the broker has them, and they are settled' : 'they are sent again';
      logger.info(
        `relay: ${doubtful.positions.length} events of shard ${this.#lease.shard} were in doubt: ${what}`,
      );
    }
  }
}

function sentOf(outcomes: readonly SendOutcome[]): number[] {
  return outcomes.flatMap(({ status }, index) => (status === 'sent' ? [index] : []));
}
