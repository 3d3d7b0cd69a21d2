/**
 * What the in-memory outbox was refused for good, and what has left it. Beside and after step 2 of an event's life.
 *
 * Shows nothing of a transaction that is still open. A decision moves what is dead, and nothing else.
 */
import type {
  ArchivedRow,
  ArchiveState,
  Clock,
  DeadRow,
  DeadRowStore,
  DiscardDecision,
  OutboxArchive,
  OutboxRow,
} from '@exactly-once/core';

/** An entry of the in-memory outbox, as far as a decision needs it. */
export interface DecidableEntry extends Omit<OutboxRow, 'known'> {
  readonly atMs: number;
  dead: boolean;
}

/** How an entry left the outbox. */
interface Departure extends Pick<ArchivedRow, 'reason' | 'decidedBy' | 'decidedWhy' | 'keepUntilMs'> {
  readonly state: ArchiveState;
}

export class InMemoryArchive implements OutboxArchive {
  readonly #rows = new Map<bigint, ArchivedRow>();

  constructor(readonly clock: Clock) {}

  add({ position, event, atMs }: DecidableEntry, departure: Departure): void {
    const { topic, key, type, source, id } = event;
    const times = { createdAtMs: atMs, settledAtMs: this.clock.now() };
    this.#rows.set(position, { position, topic, key, type, source, id, ...times, ...departure });
  }

  /** Sent, and kept for a while. */
  keep(entry: DecidableEntry, archiveMs: number): void {
    const keepUntilMs = this.clock.now() + archiveMs;
    this.add(entry, { state: 'sent', keepUntilMs, reason: null, decidedBy: null, decidedWhy: null });
  }

  async list(limit: number, after = 0n): Promise<ArchivedRow[]> {
    return [...this.#rows.values()]
      .filter(({ position }) => position > after)
      .sort((one, other) => (one.position < other.position ? -1 : 1))
      .slice(0, limit);
  }

  async deleteExpired(limit: number): Promise<number> {
    const nowMs = this.clock.now();
    const expired = [...this.#rows.values()].filter(
      ({ keepUntilMs }) => keepUntilMs !== null && keepUntilMs < nowMs,
    );
    for (const { position } of expired.slice(0, limit)) this.#rows.delete(position);
    return Math.min(expired.length, limit);
  }
}

export interface DeadRowsParts {
  /** Committed entries, oldest position first. */
  readonly entries: () => readonly DecidableEntry[];
  readonly remove: (position: bigint) => void;
  /** By position. */
  readonly reasons: Map<bigint, string>;
  readonly archive: InMemoryArchive;
}

export class InMemoryDeadRows implements DeadRowStore {
  constructor(readonly parts: DeadRowsParts) {}

  async list(limit: number, after = 0n): Promise<DeadRow[]> {
    return this.#dead()
      .filter(({ position }) => position > after)
      .slice(0, limit)
      .map((entry) => {
        const { position, atMs } = entry;
        const { topic, key, type, source, id } = entry.event;
        const reason = this.parts.reasons.get(position)!;
        const waiting = this.#behind(entry).length;
        return { position, topic, key, type, source, id, reason, createdAtMs: atMs, waiting };
      });
  }

  async retry(positions: readonly bigint[]): Promise<bigint[]> {
    return this.#decide(positions, (entry) => {
      entry.dead = false;
      this.parts.reasons.delete(entry.position);
    });
  }

  async discard(positions: readonly bigint[], { by, why }: DiscardDecision): Promise<bigint[]> {
    const { reasons, archive, remove } = this.parts;
    return this.#decide(positions, (entry) => {
      const decision = { reason: reasons.get(entry.position)!, decidedBy: by, decidedWhy: why };
      archive.add(entry, { state: 'discarded', keepUntilMs: null, ...decision });
      remove(entry.position);
      reasons.delete(entry.position);
    });
  }

  #decide(positions: readonly bigint[], move: (entry: DecidableEntry) => void): bigint[] {
    const chosen = this.#dead().filter(({ position }) => positions.includes(position));
    for (const entry of chosen) move(entry);
    return chosen.map(({ position }) => position);
  }

  #dead(): DecidableEntry[] {
    return this.parts.entries().filter(({ dead }) => dead);
  }

  #behind({ position, event }: DecidableEntry): DecidableEntry[] {
    return this.parts
      .entries()
      .filter(
        (other) =>
          !other.dead &&
          other.position > position &&
          event.key !== null &&
          other.event.key === event.key &&
          other.event.topic === event.topic,
      );
  }
}
