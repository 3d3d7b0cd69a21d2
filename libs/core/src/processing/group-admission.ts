/**
 * What the inbox says of each unit of a group, asked before any of them is handled. Step 4 of an event's life.
 *
 * At most two statements: all ids, then the bodies that came under ids of others. Both in key order, and never a key
 * of the first after one of the second, so that groups that overlap wait for each other and never deadlock.
 */
import { ExactlyOnceError } from '../errors/exactly-once-error.js';
import { reusedIdKey } from '../event/event-id.js';
import type { DedupCache } from '../inbox/dedup-cache.js';
import type { Admission, InboxRecord } from '../inbox/inbox-store.js';
import type { Storage } from '../storage/storage.js';
import type { Transaction } from '../storage/transaction.js';
import { unitLabel } from './batch-plan.js';
import type { HandlerUnit } from './handler-unit.js';
import type { OffsetMarks } from './offset-marks.js';

export type Ruling =
  | { readonly verdict: 'fresh' }
  | { readonly verdict: 'duplicate' }
  /** Its id belongs to another body. `known`: that is recorded already, here or in an earlier transaction. */
  | { readonly verdict: 'reused'; readonly known: boolean; readonly error: ExactlyOnceError };

export interface AdmissionParts {
  readonly storage: Storage;
  readonly cache: DedupCache;
}

export class GroupAdmission {
  readonly #rulings: ReadonlyMap<HandlerUnit, Ruling>;
  readonly #marks: OffsetMarks;

  private constructor(rulings: ReadonlyMap<HandlerUnit, Ruling>, marks: OffsetMarks) {
    this.#rulings = rulings;
    this.#marks = marks;
  }

  static async ask(
    { storage, cache }: AdmissionParts,
    transaction: Transaction,
    units: readonly HandlerUnit[],
    marks: OffsetMarks,
  ): Promise<GroupAdmission> {
    const keys = new Map(units.map((unit) => [unit, marks.keyOf(unit)]));
    const keyOf = (unit: HandlerUnit) => keys.get(unit)!;
    const admit = (records: readonly InboxRecord[]) =>
      records.length === 0 ? Promise.resolve([]) : storage.inbox.admit(transaction, records);
    const unseen = units.filter((unit) => keyOf(unit) !== null && !cache.has(keyOf(unit), unit.fingerprint));
    const firsts = firstOfEach(unseen, keyOf);
    const answers = await admit([...firsts.values()].map((unit) => recordOf(unit, keyOf(unit))));
    const recorded = recordedBodies([...firsts.values()], answers, keyOf);
    const rulings = new Map<HandlerUnit, Ruling>(
      units.map((unit) => [unit, { verdict: keyOf(unit) === null ? 'fresh' : 'duplicate' }]),
    );
    const reused = unseen.filter((unit) => {
      const { fresh, body } = recorded.get(slot(keyOf(unit)))!;
      if (fresh && firsts.get(slot(keyOf(unit))) === unit) rulings.set(unit, { verdict: 'fresh' });
      return Buffer.compare(body, unit.fingerprint) !== 0;
    });
    const others = firstOfEach(reused, reusedKey);
    const verdicts = await admit([...others.values()].map((unit) => recordOf(unit, reusedKey(unit))));
    const fresh = new Set([...others.values()].filter((_, index) => verdicts[index]?.verdict === 'fresh'));
    for (const unit of reused) {
      const error = reusedError(unit, recorded.get(slot(keyOf(unit)))!.body);
      rulings.set(unit, { verdict: 'reused', known: !fresh.has(unit), error });
    }
    return new GroupAdmission(rulings, marks);
  }

  ruling(unit: HandlerUnit): Ruling {
    return this.#rulings.get(unit)!;
  }

  /** What was recorded for these units in this transaction, to be taken back where they are not handled in it. */
  recordedFor(units: readonly HandlerUnit[]): Uint8Array[] {
    return units.flatMap((unit) => {
      const ruling = this.ruling(unit);
      if (ruling.verdict === 'fresh') return this.#marks.keyOf(unit) ?? [];
      return ruling.verdict === 'reused' && !ruling.known ? [reusedKey(unit)] : [];
    });
  }
}

/** By key: which body is on record, and whether this very transaction recorded it. */
function recordedBodies(
  units: readonly HandlerUnit[],
  answers: readonly Admission[],
  keyOf: (unit: HandlerUnit) => Uint8Array,
): Map<string, { fresh: boolean; body: Uint8Array }> {
  const recorded = new Map<string, { fresh: boolean; body: Uint8Array }>();
  for (const [index, unit] of units.entries()) {
    const answer = answers[index]!;
    const fresh = answer.verdict === 'fresh';
    recorded.set(slot(keyOf(unit)), { fresh, body: fresh ? unit.fingerprint : answer.fingerprint });
  }
  return recorded;
}

function firstOfEach(
  units: readonly HandlerUnit[],
  keyOf: (unit: HandlerUnit) => Uint8Array,
): Map<string, HandlerUnit> {
  const firsts = new Map<string, HandlerUnit>();
  for (const unit of units) {
    const name = slot(keyOf(unit));
    if (!firsts.has(name)) firsts.set(name, unit);
  }
  return firsts;
}

function recordOf({ known, fingerprint }: HandlerUnit, key: Uint8Array): InboxRecord {
  return { key, handlerId: known.id, fingerprint };
}

function reusedKey({ key, fingerprint }: HandlerUnit): Uint8Array {
  return reusedIdKey(key, fingerprint);
}

function reusedError(unit: HandlerUnit, body: Uint8Array): ExactlyOnceError {
  const own = Buffer.from(unit.fingerprint).toString('hex');
  const recorded = Buffer.from(body).toString('hex');
  const what = `${unitLabel(unit)}: body ${own}, recorded body ${recorded}`;
  return new ExactlyOnceError('EO_ID_REUSED', what, { details: { fingerprint: own, recorded } });
}

function slot(key: Uint8Array): string {
  return Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString('latin1');
}
