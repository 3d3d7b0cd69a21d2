/**
 * Parked events of the in-memory storage. A scope's row is shared by those who append behind it, held against others by
 * who takes its first event out, and alone by who releases it, as in a database.
 */
import type {
  DiscardDecision,
  ParkedEntry,
  ParkedEvent,
  ParkedFailure,
  ParkedFilter,
  ParkedScope,
  ParkScope,
  ParkStore,
  RetryMark,
  Transaction,
  UpcomingScope,
} from '@exactly-once/core';
import type { InMemoryTransaction } from './in-memory-transaction.js';

type Writer = InMemoryTransaction | { readonly open: false };

interface Stored extends Omit<ParkedEntry, 'begun'> {
  /** Others do not see it before that has committed. */
  readonly by: Writer;
}

/** A row that stands for a key, while any of its events is parked. */
interface Row {
  readonly scope: ParkScope;
  readonly by: Writer;
  readonly sharers: Set<InMemoryTransaction>;
  entries: readonly Stored[];
  begun: RetryMark;
  /** When it is to be looked at although none of its events says so. */
  nextAttemptAtMs: number | null;
}

const unmarked: RetryMark = { owners: [], atMs: null };
const own = (transaction: Transaction) => transaction as InMemoryTransaction;

export class InMemoryParked implements ParkStore {
  readonly #rows = new Map<string, Row>();
  readonly #takers = new Map<string, InMemoryTransaction>();
  readonly #releasers = new Map<string, InMemoryTransaction>();
  readonly #nameOf: (handlerId: number) => string;
  readonly #now: () => number;
  #position = 0n;

  constructor(nameOf: (handlerId: number) => string, now: () => number) {
    this.#nameOf = nameOf;
    this.#now = now;
  }

  get any(): boolean {
    return this.#rows.size > 0;
  }

  /** All that is parked, in the order in which it was. */
  get entries(): readonly ParkedEntry[] {
    const all = [...this.#rows.values()].flatMap((row) => seen(row).map((one) => entryOf(row, one)));
    return all.sort(byPosition);
  }

  /** Whether the event that the inbox knows under that key is parked. */
  holds(inboxKey: Uint8Array): boolean {
    return this.entries.some((entry) => Buffer.from(inboxKey).equals(entry.inboxKey));
  }

  async parked(transaction: Transaction, scopes: readonly ParkScope[]): Promise<boolean[]> {
    const answers = new Map<string, boolean>();
    for (const slot of scopes.map(slotOf).sort()) {
      await othersEnd(this.#releasers, slot, own(transaction));
      const row = this.#seenRow(slot, transaction);
      row?.sharers.add(own(transaction));
      answers.set(slot, row !== undefined);
    }
    return scopes.map((scope) => answers.get(slotOf(scope))!);
  }

  async park(transaction: Transaction, event: ParkedEvent): Promise<void> {
    const slot = slotOf(event);
    await othersEnd(this.#releasers, slot, own(transaction));
    for (const sharer of this.#unseenRow(slot, transaction)?.sharers ?? []) await sharer.ended;
    const by = own(transaction);
    const made = rowOf(event, by);
    const row = this.#rows.get(slot) ?? made;
    const entry = { ...event, givenUp: null, position: ++this.#position, by };
    own(transaction).change(
      () => {
        row.entries = [...row.entries, entry];
        row.sharers.add(own(transaction));
        this.#rows.set(slot, row);
      },
      () => {
        row.entries = row.entries.filter(({ position }) => position !== entry.position);
        if (row === made) this.#rows.delete(slot);
      },
    );
  }

  /**
   * Parks an event at a place of its own, outside of any transaction, once nobody releases its key. `decide` is asked
   * then; nothing is done where it answers `null`.
   */
  async putBack(scope: ParkScope, decide: () => Omit<ParkedEntry, 'begun'> | null): Promise<void> {
    const slot = slotOf(scope);
    for (let one = this.#releasers.get(slot); one?.open; one = this.#releasers.get(slot)) await one.ended;
    const entry = decide();
    if (entry === null) return;
    const by = { open: false as const };
    const made = rowOf(scope, by);
    const row = this.#rows.get(slot) ?? made;
    row.entries = [...row.entries, { ...entry, by }].sort(byPosition);
    this.#rows.set(slot, row);
  }

  async take(transaction: Transaction, scope: ParkScope): Promise<ParkedEntry | 'busy' | 'empty' | null> {
    const slot = slotOf(scope);
    const row = this.#seenRow(slot, transaction);
    const others = [this.#releasers.get(slot), this.#takers.get(slot)];
    if (others.some((one) => one?.open && one !== transaction)) return 'busy';
    if (row === undefined) return null;
    this.#takers.set(slot, own(transaction));
    const [first] = seen(row, transaction);
    return first === undefined ? 'empty' : entryOf(row, first);
  }

  async mark(transaction: Transaction, entry: ParkedEntry, owner: string, nowMs: number): Promise<void> {
    this.#change(transaction, entry, (row) => {
      row.begun = { owners: [...without(row.begun, owner), owner], atMs: nowMs };
    });
  }

  async unmark(transaction: Transaction, scope: ParkScope, owner: string): Promise<void> {
    const slot = slotOf(scope);
    await othersEnd(this.#releasers, slot, own(transaction));
    await othersEnd(this.#takers, slot, own(transaction));
    const row = this.#seenRow(slot, transaction);
    if (row === undefined) return;
    this.#takers.set(slot, own(transaction));
    const before = row.begun;
    own(transaction).change(
      () => {
        row.begun = { ...before, owners: without(before, owner) };
      },
      () => {
        row.begun = before;
      },
    );
  }

  async postpone(transaction: Transaction, entry: ParkedEntry, failure: ParkedFailure): Promise<void> {
    this.#change(transaction, entry, (row) => {
      row.entries = row.entries.map((one) =>
        one.position === entry.position ? { ...one, ...failure } : one,
      );
      row.begun = unmarked;
      row.nextAttemptAtMs = null;
    });
  }

  async settle(transaction: Transaction, entry: ParkedEntry, nowMs: number): Promise<void> {
    this.#change(transaction, entry, (row) => {
      row.entries = row.entries.filter(({ position }) => position !== entry.position);
      const [next] = seen(row, transaction);
      row.begun = { owners: row.begun.owners.slice(-1), atMs: nowMs };
      row.nextAttemptAtMs = next === undefined ? nowMs : null;
      if (next === undefined || next.deaths > 0) return;
      const due = { ...next, nextAttemptAtMs: next.nextAttemptAtMs ?? nowMs };
      row.entries = row.entries.map((one) => (one === next ? due : one));
    });
  }

  async release(transaction: Transaction, scope: ParkScope): Promise<boolean> {
    const slot = slotOf(scope);
    await othersEnd(this.#releasers, slot, own(transaction));
    await othersEnd(this.#takers, slot, own(transaction));
    for (const sharer of this.#rows.get(slot)?.sharers ?? []) {
      if (sharer !== transaction) await sharer.ended;
    }
    const row = this.#rows.get(slot);
    if (row === undefined) return true;
    this.#releasers.set(slot, own(transaction));
    if (row.entries.length > 0) return false;
    own(transaction).change(
      () => this.#rows.delete(slot),
      () => this.#rows.set(slot, row),
    );
    return true;
  }

  async upcoming(handlerIds: readonly number[], limit: number): Promise<UpcomingScope[]> {
    const scopes: UpcomingScope[] = [];
    for (const row of this.#rows.values()) {
      const { handlerId, topic, keyHash } = row.scope;
      if (!handlerIds.includes(handlerId)) continue;
      for (const atMs of [seen(row)[0]?.nextAttemptAtMs ?? null, row.nextAttemptAtMs]) {
        if (atMs !== null) scopes.push({ handlerId, topic, keyHash, atMs });
      }
    }
    return scopes.sort((one, other) => one.atMs - other.atMs).slice(0, limit);
  }

  async hasten(scope: ParkScope): Promise<boolean> {
    return this.#dueNow(scope, {});
  }

  async giveUp(scope: ParkScope, givenUp: DiscardDecision): Promise<boolean> {
    return this.#dueNow(scope, { givenUp });
  }

  async scopes(limit: number): Promise<ParkedScope[]> {
    const rows = [...this.#rows.values()].map(({ scope, ...row }) => ({ scope, entries: seen(row) }));
    const filled = rows.filter(({ entries }) => entries.length > 0).slice(0, limit);
    return filled.map(({ scope, entries }) => ({
      handlerId: scope.handlerId,
      topic: scope.topic,
      keyHash: scope.keyHash,
      key: entries[0]!.key,
      handler: this.#nameOf(scope.handlerId),
      events: entries.length,
      code: entries[0]!.code,
    }));
  }

  async count({ handlers, beforeMs = Number.POSITIVE_INFINITY }: ParkedFilter = {}): Promise<number> {
    const of = (handlerId: number) => handlers?.includes(this.#nameOf(handlerId)) ?? true;
    return this.entries.filter((one) => of(one.handlerId) && one.firstAttemptAtMs < beforeMs).length;
  }

  #dueNow(scope: ParkScope, change: Partial<Stored>): boolean {
    const row = this.#rows.get(slotOf(scope));
    const first = row && seen(row)[0];
    if (row === undefined || first === undefined) return false;
    const changed = { ...first, ...change, nextAttemptAtMs: this.#now() };
    row.entries = row.entries.map((one) => (one === first ? changed : one));
    return true;
  }

  #unseenRow(slot: string, transaction: Transaction): Row | undefined {
    const row = this.#rows.get(slot);
    return row?.by.open && row.by !== transaction ? row : undefined;
  }

  #seenRow(slot: string, transaction: Transaction): Row | undefined {
    const row = this.#rows.get(slot);
    return row?.by.open && row.by !== transaction ? undefined : row;
  }

  /** Where it is undone, what others have appended and taken back meanwhile stays so. */
  #change(transaction: Transaction, { position, ...scope }: ParkedEntry, change: (row: Row) => void): void {
    const row = this.#rows.get(slotOf(scope))!;
    const { entries, begun, nextAttemptAtMs } = row;
    own(transaction).change(
      () => change(row),
      () => {
        const before = new Map(entries.map((one) => [one.position, one]));
        const others = row.entries.filter((one) => one.position !== position);
        const restored = others.map((one) => before.get(one.position) ?? one);
        row.entries = [before.get(position)!, ...restored].sort(byPosition);
        Object.assign(row, { begun, nextAttemptAtMs });
      },
    );
  }
}

function rowOf(scope: ParkScope, by: Writer): Row {
  return { scope, by, sharers: new Set(), entries: [], begun: unmarked, nextAttemptAtMs: null };
}

function without({ owners }: RetryMark, owner: string): readonly string[] {
  return owners.filter((one) => one !== owner);
}

/** Entries that a transaction sees, or everybody; in order. */
function seen({ entries }: Pick<Row, 'entries'>, transaction?: Transaction): readonly Stored[] {
  return entries.filter(({ by }) => !by.open || by === transaction);
}

function entryOf({ begun }: Row, { by: _, ...entry }: Stored): ParkedEntry {
  return { ...entry, begun };
}

function byPosition(one: { position: bigint }, other: { position: bigint }): number {
  return one.position < other.position ? -1 : 1;
}

/** Waits for whoever else holds the row in that way, also where that is about to take it away. */
async function othersEnd(
  holders: ReadonlyMap<string, InMemoryTransaction>,
  slot: string,
  mine: InMemoryTransaction,
): Promise<void> {
  for (let one = holders.get(slot); one?.open && one !== mine; one = holders.get(slot)) await one.ended;
}

function slotOf({ handlerId, topic, keyHash }: ParkScope): string {
  return JSON.stringify([handlerId, topic, Buffer.from(keyHash).toString('hex')]);
}
