/**
 * Keeps `dedup: 'offset'` exact where several handlers take one delivery: they commit apart from each other, but the
 * position moves only when all of them are done. Steps 4 and 6 of an event's life.
 *
 * A unit that commits before its delivery is done stands in the inbox, under its position, until it is. A transaction
 * asks for the delivery that it begins in, which an earlier one may have left half done. No row stays.
 */
import type { FenceClaim } from '../broker/broker.js';
import { ExactlyOnceError } from '../errors/exactly-once-error.js';
import { inboxKey } from '../event/event-id.js';
import { positionId } from '../event/event-reader.js';
import type { InboxStore } from '../inbox/inbox-store.js';
import type { Transaction } from '../storage/transaction.js';
import { type BatchPlan, unitLabel } from './batch-plan.js';
import type { HandlerUnit } from './handler-unit.js';

export class OffsetMarks {
  readonly #plan: BatchPlan;
  /** All units of the delivery that the group begins in, done ones, too. */
  readonly #first: readonly HandlerUnit[];

  constructor(plan: BatchPlan, from: number) {
    this.#plan = plan;
    this.#first = unitsAround(plan, from);
  }

  /** Under which key the inbox knows a unit of the group; `null`: under none, its position decides. */
  keyOf(unit: HandlerUnit): Uint8Array | null {
    if (!byPosition(unit)) return unit.key;
    return this.#first.length > 1 && this.#first.includes(unit) ? markOf(unit) : null;
  }

  /** To be called in the transaction once it is known how far it comes: `done` is the first unit that is not done. */
  async settle(inbox: InboxStore, transaction: Transaction, done: number): Promise<void> {
    const next = this.#plan.units[done];
    if (next !== undefined && this.#first.includes(next)) return;
    const last = unitsAround(this.#plan, done);
    const begun = last.slice(0, next === undefined ? 0 : last.indexOf(next)).filter(byPosition);
    const records = begun.map((unit) => {
      return { key: markOf(unit), handlerId: unit.known.id, fingerprint: unit.fingerprint };
    });
    if (records.length > 0) await inbox.admit(transaction, records);
    const ended = this.#first.length > 1 ? this.#first.filter(byPosition).map(markOf) : [];
    if (ended.length > 0) await inbox.withdraw(transaction, ended);
  }
}

/** True where only the position says whether a unit is new. */
export function byPosition({ handler }: HandlerUnit): boolean {
  return handler?.dedup === 'offset';
}

/** Throws EO_STOPPED where a handler relies on positions and the broker has none. */
export function checkPositions({ units }: BatchPlan, fence: FenceClaim | null): void {
  const unit = fence === null ? units.find(byPosition) : undefined;
  if (unit === undefined) return;
  const what = `${unitLabel(unit)}: its handler says dedup: 'offset', and this broker has no positions`;
  throw new ExactlyOnceError('EO_STOPPED', what);
}

/** All units of the delivery that the unit at `at` came from: they stand together. */
function unitsAround({ units }: BatchPlan, at: number): HandlerUnit[] {
  const index = units[at]?.index;
  if (index === undefined) return [];
  let from = at;
  while (units[from - 1]?.index === index) from--;
  let to = at + 1;
  while (units[to]?.index === index) to++;
  return units.slice(from, to);
}

function markOf({ delivery, event, known }: HandlerUnit): Uint8Array {
  const place = `${positionId(delivery)} of ${event!.source}`;
  return inboxKey(known.identity, known.generation, place, event!.id);
}
