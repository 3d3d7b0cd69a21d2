/**
 * Parked events of the in-memory storage. A scope's row is shared by those who append behind it and held alone by who
 * takes its first event out, as in a database.
 */
import type {
  ParkedEntry,
  ParkedEvent,
  ParkedScope,
  ParkScope,
  ParkStore,
  Transaction,
} from '@exactly-once/core';
import type { InMemoryTransaction } from './in-memory-transaction.js';

/** A row that stands for a key, while any of its events is parked. */
interface Row {
  readonly scope: ParkScope;
  readonly entries: ParkedEntry[];
  readonly sharers: Set<InMemoryTransaction>;
}

const own = (transaction: Transaction) => transaction as InMemoryTransaction;

export class InMemoryParked implements ParkStore {
  readonly #rows = new Map<string, Row>();
  readonly #holders = new Map<string, InMemoryTransaction>();
  readonly #nameOf: (handlerId: number) => string;
  #position = 0n;

  constructor(nameOf: (handlerId: number) => string) {
    this.#nameOf = nameOf;
  }

  get any(): boolean {
    return this.#rows.size > 0;
  }

  /** All that is parked, in the order in which it was. */
  get entries(): readonly ParkedEntry[] {
    const all = [...this.#rows.values()].flatMap(({ entries }) => entries);
    return all.sort((one, other) => Number(one.position - other.position));
  }

  async parked(transaction: Transaction, scopes: readonly ParkScope[]): Promise<boolean[]> {
    const answers = new Map<string, boolean>();
    for (const slot of scopes.map(slotOf).sort()) {
      await this.#free(slot, own(transaction));
      const row = this.#rows.get(slot);
      row?.sharers.add(own(transaction));
      answers.set(slot, row !== undefined);
    }
    return scopes.map((scope) => answers.get(slotOf(scope))!);
  }

  async park(transaction: Transaction, event: ParkedEvent): Promise<void> {
    const slot = slotOf(event);
    await this.#free(slot, own(transaction));
    const row = this.#rows.get(slot) ?? { scope: event, entries: [], sharers: new Set() };
    const entry = { ...event, position: ++this.#position };
    own(transaction).change(
      () => {
        row.entries.push(entry);
        row.sharers.add(own(transaction));
        this.#rows.set(slot, row);
      },
      () => {
        row.entries.splice(row.entries.indexOf(entry), 1);
        if (row.entries.length === 0) this.#rows.delete(slot);
      },
    );
  }

  /**
   * Parks an event at a place of its own, outside of any transaction, once nobody holds its key. `decide` is asked then;
   * nothing is done where it answers `null`.
   */
  async putBack(scope: ParkScope, decide: () => ParkedEntry | null): Promise<void> {
    const slot = slotOf(scope);
    for (let one = this.#holders.get(slot); one?.open; one = this.#holders.get(slot)) await one.ended;
    const entry = decide();
    if (entry === null) return;
    const row = this.#rows.get(slot) ?? { scope, entries: [], sharers: new Set() };
    row.entries.push(entry);
    row.entries.sort((one, other) => (one.position < other.position ? -1 : 1));
    this.#rows.set(slot, row);
  }

  async take(transaction: Transaction, scope: ParkScope): Promise<ParkedEntry | 'busy' | null> {
    const slot = slotOf(scope);
    const row = this.#rows.get(slot);
    const others = [...(row?.sharers ?? []), this.#holders.get(slot)];
    if (others.some((one) => one?.open && one !== transaction)) return 'busy';
    if (row === undefined) return null;
    this.#holders.set(slot, own(transaction));
    return row.entries[0]!;
  }

  async settle(transaction: Transaction, entry: ParkedEntry): Promise<void> {
    const slot = slotOf(entry);
    const row = this.#rows.get(slot)!;
    const before = [...row.entries];
    own(transaction).change(
      () => {
        row.entries.splice(row.entries.indexOf(entry), 1);
        if (row.entries.length === 0) this.#rows.delete(slot);
      },
      () => {
        row.entries.splice(0, row.entries.length, ...before);
        this.#rows.set(slot, row);
      },
    );
  }

  async scopes(limit: number): Promise<ParkedScope[]> {
    return [...this.#rows.values()].slice(0, limit).map(({ scope, entries }) => ({
      handlerId: scope.handlerId,
      topic: scope.topic,
      keyHash: scope.keyHash,
      key: entries[0]!.key,
      handler: this.#nameOf(scope.handlerId),
      events: entries.length,
      code: entries[0]!.code,
    }));
  }

  async count(): Promise<number> {
    return this.entries.length;
  }

  /** Waits for who holds the row alone, also where that is about to take it away. */
  async #free(slot: string, mine: InMemoryTransaction): Promise<void> {
    for (let one = this.#holders.get(slot); one?.open && one !== mine; one = this.#holders.get(slot))
      await one.ended;
  }
}

function slotOf({ handlerId, topic, keyHash }: ParkScope): string {
  return JSON.stringify([handlerId, topic, Buffer.from(keyHash).toString('hex')]);
}
