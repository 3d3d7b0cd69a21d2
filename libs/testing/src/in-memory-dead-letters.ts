/**
 * Dead letters of the in-memory storage, and what people decide about them. A decision is one step that nothing comes
 * between, as a transaction is in a database.
 */
import {
  type Clock,
  type DeadLetter,
  type DeadLetterEdit,
  type DeadLetterFilter,
  type DeadLetterHead,
  type DeadLetterStore,
  type DiscardDecision,
  type ParkedEntry,
  type ReplayAnswer,
  type ReplayOutcome,
  receivedHeaders,
  replayOutcome,
  replayPosition,
  type StoredDeadLetter,
  type Transaction,
} from '@exactly-once/core';
import type { InMemoryHandlers } from './in-memory-handlers.js';
import type { InMemoryParked } from './in-memory-parked.js';
import type { InMemoryTransaction } from './in-memory-transaction.js';

type Place = Pick<DeadLetterHead, 'id' | 'replayOf'>;

export class InMemoryDeadLetters implements DeadLetterStore {
  readonly #clock: Clock;
  readonly #parked: InMemoryParked;
  readonly #handlers: InMemoryHandlers;
  #rows: readonly StoredDeadLetter[] = [];
  #lastId = 0n;

  constructor(clock: Clock, parked: InMemoryParked, handlers: InMemoryHandlers) {
    this.#clock = clock;
    this.#parked = parked;
    this.#handlers = handlers;
  }

  /** In the order in which they were written. */
  get letters(): readonly StoredDeadLetter[] {
    return this.#rows;
  }

  /** Whether the event that the inbox knows under that key is dead, and can be replayed. */
  holds(inboxKey: Uint8Array): boolean {
    const dead = this.#rows.filter(({ state, code }) => state === 'dead' && code !== 'EO_ID_REUSED');
    return dead.some(({ target }) => target !== null && Buffer.from(inboxKey).equals(target.inboxKey));
  }

  async insert(transaction: Transaction, letter: DeadLetter): Promise<void> {
    const row: StoredDeadLetter = {
      ...letter,
      id: ++this.#lastId,
      error: letter.errorChain[0] ?? '',
      deadAtMs: this.#clock.now(),
      state: 'dead',
      editCount: 0,
      edits: [],
      decidedBy: null,
      decidedWhy: null,
      decidedAtMs: null,
    };
    (transaction as InMemoryTransaction).change(
      () => {
        this.#rows = [...this.#rows, row];
      },
      () => {
        this.#rows = this.#rows.filter(({ id }) => id !== row.id);
      },
    );
  }

  async count(filter: DeadLetterFilter = { state: 'dead' }): Promise<number> {
    return this.#rows.filter((row) => this.#fits(row, filter)).length;
  }

  async lastId(): Promise<bigint> {
    return this.#rows.at(-1)?.id ?? 0n;
  }

  async list(filter: DeadLetterFilter, limit: number, after = 0n): Promise<DeadLetterHead[]> {
    const start = this.#row(after) ?? { id: after, replayOf: null };
    return this.#rows
      .filter((row) => inOrder(start, row) < 0 && this.#fits(row, filter))
      .sort(inOrder)
      .slice(0, limit)
      .map(headOf);
  }

  async find(id: bigint): Promise<StoredDeadLetter | null> {
    return this.#row(id) ?? null;
  }

  async replay(ids: readonly bigint[], by: string): Promise<ReplayAnswer[]> {
    const answers: ReplayAnswer[] = [];
    const rows = [...new Set(ids)].map((id) => this.#row(id) ?? { id, replayOf: null });
    const begun = new Set<string>();
    for (const { id } of rows.sort(inOrder))
      answers.push({ id, outcome: await this.#replayOne(id, by, begun) });
    return answers.sort((one, other) => (one.id < other.id ? -1 : 1));
  }

  async discard(ids: readonly bigint[], { by, why }: DiscardDecision): Promise<bigint[]> {
    const dead = this.#rows.filter(({ id, state }) => ids.includes(id) && state === 'dead');
    const decided = { decidedBy: by, decidedWhy: why, decidedAtMs: this.#clock.now() };
    for (const row of dead) this.#write({ ...row, ...decided, state: 'discarded' });
    return dead.map(({ id }) => id);
  }

  async edit(id: bigint, body: Uint8Array, by: string): Promise<boolean> {
    const row = this.#row(id);
    if (row?.state !== 'dead') return false;
    const edit: DeadLetterEdit = { by, atMs: this.#clock.now(), body };
    this.#write({ ...row, edits: [...row.edits, edit], editCount: row.editCount + 1 });
    return true;
  }

  async deleteDecided(olderThanMs: number, limit: number): Promise<number> {
    const before = this.#clock.now() - olderThanMs;
    const isOld = ({ state, decidedAtMs }: StoredDeadLetter) => state !== 'dead' && decidedAtMs! < before;
    const old = new Set(this.#rows.filter(isOld).slice(0, limit));
    this.#rows = this.#rows.filter((row) => !old.has(row));
    return old.size;
  }

  /** `begun`: the scopes whose first event is due. */
  async #replayOne(id: bigint, by: string, begun: Set<string>): Promise<ReplayOutcome> {
    const first = this.#row(id);
    const outcome = this.#outcome(first);
    if (outcome !== 'replayed') return outcome;
    let answer: ReplayOutcome = outcome;
    const scope = { ...first!.target!, topic: first!.topic };
    await this.#parked.putBack(scope, () => {
      const row = this.#row(id)!;
      answer = this.#outcome(row);
      if (answer !== 'replayed') return null;
      this.#write({ ...row, state: 'replayed', decidedBy: by, decidedAtMs: this.#clock.now() });
      const slot = JSON.stringify([scope.handlerId, scope.topic, Buffer.from(scope.keyHash).toString('hex')]);
      const isDue = !begun.has(slot) || row.code === 'EO_PROCESS_KILLED';
      begun.add(slot);
      return entryOf(row, isDue ? this.#clock.now() : null);
    });
    return answer;
  }

  #outcome(row: StoredDeadLetter | undefined): ReplayOutcome {
    const handlerId = row?.target?.handlerId;
    return replayOutcome(
      row && { ...row, handled: handlerId !== undefined && this.#handlers.handles(handlerId) },
    );
  }

  #fits(row: StoredDeadLetter, filter: DeadLetterFilter): boolean {
    const { ids, handler, type, topic, key, code, error, fromMs, toMs, state } = filter;
    const names = [row.handler, row.target && this.#handlers.nameOf(row.target.handlerId)];
    return (
      (ids === undefined || ids.includes(row.id)) &&
      (handler === undefined || names.includes(handler)) &&
      (type === undefined || row.type === type) &&
      (topic === undefined || row.topic === topic) &&
      (key === undefined || (row.key !== null && Buffer.from(key).equals(row.key))) &&
      (code === undefined || row.code === code) &&
      (error === undefined || row.errorChain.some((message) => message.includes(error))) &&
      (fromMs === undefined || row.deadAtMs >= fromMs) &&
      (toMs === undefined || row.deadAtMs < toMs) &&
      (state === undefined || row.state === state)
    );
  }

  #row(id: bigint): StoredDeadLetter | undefined {
    return this.#rows.find((row) => row.id === id);
  }

  #write(row: StoredDeadLetter): void {
    this.#rows = this.#rows.map((one) => (one.id === row.id ? row : one));
  }
}

function headOf(row: StoredDeadLetter): DeadLetterHead {
  const {
    headers: _,
    body: __,
    errorChain: ___,
    target: ____,
    serviceVersion: _____,
    edits: ______,
    ...head
  } = row;
  return head;
}

/** By the first letters of their events. */
function inOrder(one: Place, other: Place): number {
  const [first, second] = [one.replayOf ?? one.id, other.replayOf ?? other.id];
  if (first !== second) return first < second ? -1 : 1;
  return one.id < other.id ? -1 : one.id > other.id ? 1 : 0;
}

function entryOf(row: StoredDeadLetter, nextAttemptAtMs: number | null): Omit<ParkedEntry, 'begun'> {
  const { target, topic, key, code, errorChain, firstAttemptAtMs } = row;
  return {
    ...target!,
    ...{ topic, key, code, errorChain, firstAttemptAtMs },
    partition: row.partition!,
    offset: row.offset!,
    headers: receivedHeaders(row.headers),
    body: row.edits.at(-1)?.body ?? row.body,
    position: replayPosition(row),
    attempts: 0,
    nextAttemptAtMs,
    givenUp: null,
    deaths: code === 'EO_PROCESS_KILLED' ? 1 : 0,
  };
}
