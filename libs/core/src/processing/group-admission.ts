/**
 * What the inbox says of each unit of a group, asked before any of them is handled. Step 4 of an event's life.
 *
 * At most two statements: all ids, then the bodies that came under ids of others. Both in key order, and never a key
 * of the first after one of the second, so that groups that overlap wait for each other and never deadlock.
 */
import { ExactlyOnceError } from '../errors/exactly-once-error.js';
import { reusedIdKey } from '../event/event-id.js';
import type { DedupCache } from '../inbox/dedup-cache.js';
import type { InboxRecord } from '../inbox/inbox-store.js';
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

const fresh: Ruling = { verdict: 'fresh' };
const duplicate: Ruling = { verdict: 'duplicate' };

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
    const admit = (records: readonly InboxRecord[]) =>
      records.length === 0 ? Promise.resolve([]) : storage.inbox.admit(transaction, records);
    const rulings = new Map<HandlerUnit, Ruling>();
    const unseen: Asked[] = [];
    for (const unit of units) {
      const key = marks.keyOf(unit);
      rulings.set(unit, key === null ? fresh : duplicate);
      if (key !== null && !cache.has(key, unit.fingerprint)) unseen.push({ unit, key });
    }
    const { firsts, firstOf } = firstOfEach(unseen);
    const answers = await admit(firsts.map(recordOf));
    const bodies = new Map<Asked, Uint8Array>();
    for (const [index, first] of firsts.entries()) {
      const answer = answers[index]!;
      if (answer.verdict === 'fresh') rulings.set(first.unit, fresh);
      bodies.set(first, answer.verdict === 'fresh' ? first.unit.fingerprint : answer.fingerprint);
    }
    const recorded = (asked: Asked) => bodies.get(firstOf(asked))!;
    const reused = unseen
      .filter((asked) => Buffer.compare(recorded(asked), asked.unit.fingerprint) !== 0)
      .map((asked) => ({ unit: asked.unit, key: reusedKey(asked.unit), body: recorded(asked) }));
    const others = firstOfEach(reused).firsts;
    const verdicts = await admit(others.map(recordOf));
    const added = new Set(others.filter((_, index) => verdicts[index]?.verdict === 'fresh'));
    for (const one of reused) {
      const error = reusedError(one.unit, one.body);
      rulings.set(one.unit, { verdict: 'reused', known: !added.has(one), error });
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

interface Asked {
  readonly unit: HandlerUnit;
  /** Under which the inbox is asked for it. */
  readonly key: Uint8Array;
}

/** The first of each key, in order, and which of them stands for another one. */
function firstOfEach<One extends Asked>(all: readonly One[]): { firsts: One[]; firstOf: (one: One) => One } {
  const byKey = new Map<string, One>();
  const later = new Map<One, One>();
  for (const one of all) {
    const name = slot(one.key);
    const first = byKey.get(name);
    if (first === undefined) byKey.set(name, one);
    else later.set(one, first);
  }
  return { firsts: [...byKey.values()], firstOf: (one) => later.get(one) ?? one };
}

function recordOf({ unit, key }: Asked): InboxRecord {
  return { key, handlerId: unit.known.id, fingerprint: unit.fingerprint };
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
