/**
 * The stores of the in-memory storage. Rows that an open transaction has written are waited for, as in a database.
 *
 * Every write can be undone by its transaction; none survives the process.
 */
import {
  type Admission,
  type Clock,
  type FenceKey,
  type FenceMove,
  type FencePosition,
  type FenceRow,
  type FenceStore,
  type InboxRecord,
  type InboxStore,
  type Transaction,
} from '@exactly-once/core';
import type { InMemoryTransaction } from './in-memory-transaction.js';

interface InboxRow extends InboxRecord {
  readonly atMs: number;
  readonly by: InMemoryTransaction;
}

const slotOf = (key: Uint8Array) => Buffer.from(key).toString('hex');
const own = (transaction: Transaction) => transaction as InMemoryTransaction;

export class InMemoryInbox implements InboxStore {
  readonly #rows = new Map<string, InboxRow>();

  constructor(
    readonly clock: Clock,
    /** Whether what is recorded under it can still be handled. */
    readonly waits: (key: Uint8Array) => boolean = () => false,
  ) {}

  /** Whether there are records of these handlers, of committed transactions. */
  readonly filled = (handlerIds: readonly number[]): boolean =>
    [...this.#rows.values()].some(({ handlerId, by }) => handlerIds.includes(handlerId) && !by.open);

  async admit(transaction: Transaction, records: readonly InboxRecord[]): Promise<Admission[]> {
    const answers = new Map<string, Admission>();
    for (const slot of records.map(({ key }) => slotOf(key)).sort()) {
      const record = records.find(({ key }) => slotOf(key) === slot)!;
      answers.set(slot, await this.#admitOne(own(transaction), slot, record));
    }
    return records.map(({ key }) => answers.get(slotOf(key))!);
  }

  async withdraw(transaction: Transaction, keys: readonly Uint8Array[]): Promise<void> {
    for (const slot of keys.map(slotOf)) {
      const row = this.#rows.get(slot);
      if (row === undefined) continue;
      own(transaction).change(
        () => this.#rows.delete(slot),
        () => this.#rows.set(slot, row),
      );
    }
  }

  async deleteOlderThan(olderThanMs: number, limit: number): Promise<number> {
    const before = this.clock.now() - olderThanMs;
    const old = [...this.#rows]
      .filter(([, { atMs, by, key }]) => atMs < before && !by.open && !this.waits(key))
      .slice(0, limit);
    for (const [slot] of old) this.#rows.delete(slot);
    return old.length;
  }

  async #admitOne(transaction: InMemoryTransaction, slot: string, record: InboxRecord): Promise<Admission> {
    for (;;) {
      const row = this.#rows.get(slot);
      if (row === undefined) break;
      if (!row.by.open || row.by === transaction)
        return { verdict: 'duplicate', fingerprint: row.fingerprint };
      await row.by.ended;
    }
    transaction.change(
      () => this.#rows.set(slot, { ...record, atMs: this.clock.now(), by: transaction }),
      () => this.#rows.delete(slot),
    );
    return { verdict: 'fresh' };
  }
}

export class InMemoryFences implements FenceStore {
  readonly #rows = new Map<string, FenceRow>();
  readonly #locks = new Map<string, InMemoryTransaction>();
  readonly #anyParked: () => boolean;

  constructor(anyParked: () => boolean = () => false) {
    this.#anyParked = anyParked;
  }

  async read(key: FenceKey): Promise<FenceRow | null> {
    return this.#rows.get(nameOf(key)) ?? null;
  }

  async claim(key: FenceKey, owner: string, startOffset: bigint): Promise<FenceRow> {
    await this.#unlocked(nameOf(key), null);
    const before = this.#rows.get(nameOf(key));
    const fresh = {
      ...{ nextOffset: startOffset, owner, clean: true, lastFingerprint: null, logGeneration: 1 },
      suspect: null,
    };
    const row = before === undefined ? fresh : { ...before, owner };
    this.#rows.set(nameOf(key), { ...row, clean: false });
    return row;
  }

  async reposition(key: FenceKey, owner: string, nextOffset: bigint, newLog: boolean): Promise<boolean> {
    await this.#unlocked(nameOf(key), null);
    const row = this.#rows.get(nameOf(key));
    if (row?.owner !== owner) return false;
    const logGeneration = row.logGeneration + (newLog ? 1 : 0);
    const suspect = newLog ? null : row.suspect;
    this.#rows.set(nameOf(key), { ...row, nextOffset, lastFingerprint: null, logGeneration, suspect });
    return true;
  }

  async advance(transaction: Transaction, move: FenceMove): Promise<boolean> {
    const { next, lastFingerprint } = move;
    const name = nameOf(move.key);
    await this.#unlocked(name, own(transaction));
    const row = this.#rows.get(name);
    if (row?.owner !== move.owner || row.nextOffset !== move.expected) return false;
    this.#locks.set(name, own(transaction));
    own(transaction).change(
      () => this.#rows.set(name, { ...row, nextOffset: next, lastFingerprint, suspect: null }),
      () => this.#rows.set(name, row),
    );
    if (this.#anyParked()) move.onParked?.();
    return true;
  }

  async settled(transaction: Transaction, key: FenceKey): Promise<void> {
    await this.#unlocked(nameOf(key), own(transaction));
  }

  async accuse(
    key: FenceKey,
    owner: string,
    unit: string,
    before: readonly string[],
  ): Promise<readonly string[] | null> {
    await this.#unlocked(nameOf(key), null);
    const row = this.#rows.get(nameOf(key));
    if (row?.owner !== owner) return null;
    const known = row.suspect?.unit === unit ? row.suspect.owners : before;
    const others = known.filter((one) => one !== owner);
    this.#rows.set(nameOf(key), { ...row, suspect: { unit, owners: [...others, owner] } });
    return others;
  }

  async acquit(key: FenceKey, owner: string): Promise<void> {
    await this.#unlocked(nameOf(key), null);
    const row = this.#rows.get(nameOf(key));
    if (!row?.suspect?.owners.includes(owner)) return;
    const owners = row.suspect.owners.filter((one) => one !== owner);
    this.#rows.set(nameOf(key), { ...row, suspect: { ...row.suspect, owners } });
  }

  async release(key: FenceKey, owner: string): Promise<void> {
    const row = this.#rows.get(nameOf(key));
    if (row?.owner === owner) this.#rows.set(nameOf(key), { ...row, clean: true });
  }

  async leave(transaction: Transaction, key: FenceKey, owner: string): Promise<void> {
    const name = nameOf(key);
    const row = this.#rows.get(name);
    if (row?.owner !== owner) return;
    own(transaction).change(
      () => this.#rows.set(name, { ...row, clean: true }),
      () => this.#rows.set(name, row),
    );
  }

  /** By group, topic and partition. */
  positions(): FencePosition[] {
    const all = [...this.#rows].map(([name, { nextOffset, owner, clean }]): FencePosition => {
      const [group, topic, partition] = JSON.parse(name) as [string, string, number];
      return { group, topic, partition, nextOffset, owner, clean };
    });
    const rank = ({ group, topic, partition }: FencePosition) =>
      JSON.stringify([group, topic, String(partition).padStart(10)]);
    return all.sort((one, other) => (rank(one) < rank(other) ? -1 : 1));
  }

  /** Sets the fences that stand behind their target back to it, by partition; how many. */
  async setBack(group: string, topic: string, targets: ReadonlyMap<number, bigint>): Promise<number> {
    let moved = 0;
    for (const [partition, nextOffset] of targets) {
      const name = nameOf({ group, topic, partition });
      await this.#unlocked(name, null);
      const row = this.#rows.get(name);
      if (row === undefined || row.nextOffset <= nextOffset) continue;
      this.#rows.set(name, { ...row, nextOffset, lastFingerprint: null, clean: true, suspect: null });
      moved++;
    }
    return moved;
  }

  /** What every group has passed; `null` where none has a position. */
  passed(topic: string, partition: number): bigint | null {
    const ofPartition = JSON.stringify([topic, partition]).slice(1);
    const rows = [...this.#rows].filter(([name]) => name.endsWith(`,${ofPartition}`));
    if (rows.length === 0) return null;
    return rows.map(([, row]) => row.nextOffset).reduce((least, next) => (next < least ? next : least));
  }

  async #unlocked(name: string, mine: InMemoryTransaction | null): Promise<void> {
    for (let lock = this.#locks.get(name); lock?.open && lock !== mine; lock = this.#locks.get(name))
      await lock.ended;
  }
}

function nameOf({ group, topic, partition }: FenceKey): string {
  return JSON.stringify([group, topic, partition]);
}
