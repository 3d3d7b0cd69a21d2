/**
 * What a simulated world was asked for, and the oracles that compare it with what its ports hold in the end: L lost, D
 * duplicate, T torn, P phantom, R reordered, X both effect and letter.
 */
import type { Lease, ParkedEntry, ParkScope, StoredDeadLetter } from '@exactly-once/core';
import type { InMemoryBroker, InMemoryMessage, InMemoryStorage, InMemoryTable } from '@exactly-once/testing';
import type { Ledger } from '../engine/memory-world.js';
import { ReplayBooks } from '../engine/replay-books.js';
import type { AskedEvent } from './schedule.js';

export type Outcome = 'committed' | 'rolled back' | 'unknown';

interface Asked extends AskedEvent {
  outcome: Outcome;
  /** Of its business transaction; `null`: it was produced by another system. */
  readonly beganAtMs: number | null;
  endedAtMs: number | null;
}

const text = (bytes: Uint8Array | null | undefined) => (bytes ? Buffer.from(bytes).toString() : '');

export class SimulationBooks {
  /** Their ids are their ordinals, from 1. */
  readonly asked: Asked[] = [];
  /** The second of the two tables that a handler writes. */
  readonly second: InMemoryTable<Ledger>;
  readonly #replays = new ReplayBooks();
  readonly #strays: string[] = [];

  constructor(
    readonly storage: InMemoryStorage,
    readonly broker: InMemoryBroker,
    readonly first: InMemoryTable<Ledger>,
  ) {
    this.second = storage.table<Ledger>();
    this.#watchClaims();
  }

  ask(asked: Asked): string {
    return String(this.asked.push(asked));
  }

  conclude(id: string, outcome: Outcome, nowMs: number): void {
    Object.assign(this.asked[Number(id) - 1]!, { outcome, endedAtMs: nowMs });
  }

  /** Copies of the last three records, as long as their events are within the window: those after `from`. */
  lastRecords(from: number): InMemoryMessage[] {
    const records = this.broker.topic('in').filter(({ headers }) => Number(text(headers['ce_id'])) > from);
    return records.slice(-3).map(({ key, headers, body }) => ({ key, headers, body }));
  }

  async replay(): Promise<void> {
    const { deadLetters, handlers } = this.storage;
    const root = ({ id, replayOf }: StoredDeadLetter) => replayOf ?? id;
    const dead = deadLetters.letters
      .filter(({ state }) => state === 'dead')
      .toSorted((one, other) => (root(one) < root(other) ? -1 : 1));
    if (dead.length === 0) return;
    const ordered = ({ handler }: StoredDeadLetter) => handler !== 'n';
    const waiting = (await this.#waiting()).filter(({ handlerId }) => handlers.nameOf(handlerId) !== 'n');
    this.#replays.note(dead.filter(ordered), waiting, (id) => handlers.nameOf(id));
    const ids = dead.map(({ id }) => id);
    await Promise.all(['one', 'other'].map((by) => deadLetters.replay(ids, by)));
  }

  /** Nothing waits any more, and all that was produced is passed. */
  async quiet(): Promise<boolean> {
    const { pending, dead } = await this.storage.outbox.depth();
    const [position] = this.storage.fences.positions().filter(({ topic }) => topic === 'in');
    const end = BigInt(this.broker.topic('in').length);
    return pending + dead === 0 && !this.storage.parked.any && (end === 0n || position?.nextOffset === end);
  }

  faults(handlers: readonly string[]): string[] {
    return [
      ...this.#strays,
      ...this.asked.flatMap((_, index) => this.#faultsOf(String(index + 1), handlers)),
      ...this.#torn(),
      ...this.#relayedOutOfOrder(),
      ...handlers.flatMap((handler) => (handler === 'n' ? [] : this.#disorder(handler))),
    ];
  }

  #faultsOf(id: string, handlers: readonly string[]): string[] {
    const { outcome } = this.asked[Number(id) - 1]!;
    const records = this.#offsets(id).length;
    const found = [];
    if (records === 0 && outcome === 'committed') found.push(`L: ${id} was committed and never relayed`);
    if (records > 0 && outcome === 'rolled back') found.push(`P: ${id} was rolled back and relayed`);
    for (const handler of handlers) {
      const wanted = handler === 'o' ? records : Math.min(1, records);
      const done = this.#effects(handler, id).length;
      const dead = this.storage.deadLetters.letters.filter(
        (one) => one.handler === handler && one.eventId === id && one.state === 'dead',
      ).length;
      const what = `${handler} ${id}: ${done} effects, ${dead} letters for ${wanted}`;
      if (done + dead < wanted) found.push(`L: ${what}`);
      if (done + dead > wanted) found.push(`${done > 0 && dead > 0 ? 'X' : 'D'}: ${what}`);
    }
    return found;
  }

  /** The two tables and what was published disagree. */
  #torn(): string[] {
    const found = [];
    const rows = ({ rows: of }: InMemoryTable<Ledger>) =>
      of.map(({ handler, id }) => `${handler} ${id}`).sort();
    const [one, two] = [rows(this.first), rows(this.second)];
    if (String(one) !== String(two)) found.push(`T: the first table has ${one}, the second ${two}`);
    const outputs = this.broker.topic('out').map(({ headers, body }) => ({
      by: (JSON.parse(text(body)) as { by: string }).by,
      outputId: text(headers['ce_id']),
    }));
    for (const index of this.asked.keys()) {
      const id = String(index + 1);
      const ids = new Set(outputs.filter(({ by }) => by === id).map(({ outputId }) => outputId));
      if (ids.size > 1) found.push(`D: ${ids.size} events were published by h for ${id}`);
      const handled = this.#effects('h', id).length > 0;
      if (handled !== ids.size > 0) found.push(`T: h handled ${id}: ${handled}, published: ${ids.size > 0}`);
    }
    return found;
  }

  /** Of two of a key the one that had committed before the other began comes first. */
  #relayedOutOfOrder(): string[] {
    const published = this.asked.flatMap((one, index) => {
      const [first] = this.#offsets(String(index + 1));
      return one.beganAtMs === null || first === undefined ? [] : [{ ...one, id: index + 1, first }];
    });
    return published.flatMap((one) =>
      published
        .filter(
          ({ key, beganAtMs }) => key === one.key && one.endedAtMs !== null && one.endedAtMs < beganAtMs!,
        )
        .filter(({ first }) => one.outcome === 'committed' && first < one.first)
        .map(({ id }) => `R: ${id} stands on the topic before ${one.id}, which had committed before`),
    );
  }

  /** Effects of a key follow its records; what was replayed has a place of its own. */
  #disorder(handler: string): string[] {
    const rows = this.first.rows.filter((row) => row.handler === handler).map(({ id }) => id);
    const keys = [...new Set(this.asked.map(({ key }) => key))].filter((key) => key !== null);
    const inPlace = keys.flatMap((key) => {
      const came = rows
        .map((row) => ({ id: row.split('@')[0]!, offset: row.split('@')[1] }))
        .filter(({ id }) => this.asked[Number(id) - 1]!.key === key && this.#replays.times(handler, id) === 0)
        .map(({ id, offset }) => Number(offset ?? this.#offsets(id)[0]));
      const sorted = came.toSorted((one, other) => one - other);
      return String(came) === String(sorted) ? [] : [`R: ${handler} of key ${key}: offsets ${came}`];
    });
    const replayed = handler === 'o' ? [] : this.#replays.faults(handler, rows);
    return [...inPlace, ...replayed.map((what) => `R: ${what}`)];
  }

  #effects(handler: string, id: string): Ledger[] {
    return this.first.rows.filter((row) => row.handler === handler && row.id.split('@')[0] === id);
  }

  #offsets(id: string): bigint[] {
    const records = this.broker.topic('in').filter(({ headers }) => text(headers['ce_id']) === id);
    return records.map(({ offset }) => offset);
  }

  /** A relay gets rows only under a lease that it has; looked up before any bug is planted. */
  #watchClaims(): void {
    const { outbox, leases } = this.storage;
    const holds = leases.holds.bind(leases);
    const claim = outbox.claim.bind(outbox);
    outbox.claim = async (lease: Lease, ...rest) => {
      const claimed = await claim(lease, ...rest);
      if (claimed.rows.length > 0 && !holds(lease))
        this.#strays.push(`R: ${claimed.rows.length} events were given to a relay whose lease is another's`);
      return claimed;
    };
  }

  /** What is parked and cannot be under way: the first event of a key that is due may be, and nothing waits for it. */
  async #waiting(): Promise<ParkedEntry[]> {
    const { parked, clock } = this.storage;
    const slot = ({ handlerId, keyHash }: ParkScope) =>
      `${handlerId} ${Buffer.from(keyHash).toString('hex')}`;
    const { entries } = parked;
    const known = await parked.upcoming([...new Set(entries.map(({ handlerId }) => handlerId))], 1_000);
    const due = new Set(known.filter(({ atMs }) => atMs <= clock.now()).map(slot));
    return entries.filter((entry, at) => {
      const isFirst = entries.findIndex((one) => slot(one) === slot(entry)) === at;
      return !(isFirst && due.has(slot(entry)));
    });
  }
}
