/**
 * Runs the units of a group inside its transaction, in order. Step 5 of an event's life.
 *
 * Says how far it came and whose failure stopped it; never rejects, rolls back or commits: that is the group's.
 * With savepoints what was done before the failure is kept, without them nothing is.
 */
import { ExactlyOnceError, toError } from '../errors/exactly-once-error.js';
import { deadLetterOf } from '../failure/dead-letter-writer.js';
import type { Transaction } from '../storage/transaction.js';
import { BatchCallFailed, BatchCalls } from './batch-calls.js';
import type { Payloads } from './batch-payloads.js';
import { unitLabel } from './batch-plan.js';
import type { GroupAdmission } from './group-admission.js';
import type { GroupParts, GroupRequest } from './group-request.js';
import type { GroupFailure, GroupResult } from './group-result.js';
import { CallCutOff, callHandler } from './handler-call.js';
import type { HandlerUnit } from './handler-unit.js';

/** What became of the units of a group, reported once it has committed. */
export interface Tally {
  duplicates: number;
  buried: Map<HandlerUnit, unknown>;
  /** Their ids belong to other events: the cache must not remember these bodies. */
  reused: Set<HandlerUnit>;
}

/** What a group has before its first unit is handled. */
export interface BegunGroup {
  readonly transaction: Transaction;
  readonly admission: GroupAdmission;
  readonly payloads: Payloads;
}

export class GroupHandling {
  readonly tally: Tally = { duplicates: 0, buried: new Map(), reused: new Set() };
  readonly #parts: GroupParts;
  readonly #request: GroupRequest;
  readonly #transaction: Transaction;
  readonly #admission: GroupAdmission;
  readonly #batches: BatchCalls;

  constructor(parts: GroupParts, request: GroupRequest, begun: BegunGroup) {
    const { transaction, admission, payloads } = begun;
    this.#parts = parts;
    this.#request = request;
    this.#transaction = transaction;
    this.#admission = admission;
    this.#batches = new BatchCalls(parts, { transaction, payloads, aborted: request.session.aborted });
  }

  /**
   * Until the end, a failure, or the time that a transaction may be open. `done` is where it began where all is to be
   * undone.
   */
  async run(): Promise<GroupResult> {
    const { from, to, plan, session, savepoints } = this.#request;
    const openUntilMs = this.#parts.clock.now() + this.#parts.maxOpenMs;
    for (let index = from; index < to; index++) {
      if (index > from && (this.#parts.clock.now() >= openUntilMs || session.aborted.aborted)) {
        return this.#end(index, null);
      }
      try {
        await this.#handleUnit(plan.units[index]!);
      } catch (error) {
        const failure = this.#failure(error, index);
        const undoes = error instanceof BatchCallFailed || failure.phase === 'cut-off';
        const keepsOthers = savepoints && !undoes && usable(this.#transaction);
        return keepsOthers ? this.#end(index, failure) : { done: from, failure };
      }
    }
    return this.#end(to, null);
  }

  /** What batch handlers wait for is behind nobody: it is handled before the group ends. */
  async #end(done: number, failure: GroupFailure | null): Promise<GroupResult> {
    try {
      await this.#batches.flush();
      return { done, failure };
    } catch (error) {
      return { done: this.#request.from, failure: this.#failure(error, done) };
    }
  }

  #failure(error: unknown, index: number): GroupFailure {
    if (!(error instanceof BatchCallFailed)) return callFailure(this.#parts, this.#transaction, error, index);
    const { units, reason } = error;
    const unit = this.#request.plan.units.indexOf(units[0]!);
    const failure = callFailure(this.#parts, this.#transaction, reason, unit);
    return units.length === 1 ? failure : { ...failure, unit: null, batch: units };
  }

  async #handleUnit(unit: HandlerUnit): Promise<void> {
    const ruling = this.#admission.ruling(unit);
    if (ruling.verdict === 'reused') this.tally.reused.add(unit);
    if (ruling.verdict === 'duplicate' || (ruling.verdict === 'reused' && ruling.known)) {
      this.tally.duplicates++;
    } else if (ruling.verdict === 'reused') {
      await this.#bury(unit, ruling.error);
    } else if (unit.hopeless !== null) {
      await this.#bury(unit, unit.hopeless);
    } else {
      await this.#call(unit);
    }
  }

  async #call(unit: HandlerUnit): Promise<void> {
    const { handler, event } = unit;
    if (handler === null || event === null) throw new ExactlyOnceError('EO_INTERNAL', unitLabel(unit));
    if (unit.firstAttemptAtMs === 0) unit.firstAttemptAtMs = this.#parts.clock.now();
    if (handler.batch !== null) return this.#batches.add(unit, handler);
    const { savepoints: savepoint, session } = this.#request;
    const transaction = this.#transaction;
    const events = [{ unit, event }];
    const call = { handler, events, payloads: null, transaction, savepoint, aborted: session.aborted };
    await callHandler(this.#parts, call);
  }

  async #bury(unit: HandlerUnit, error: unknown): Promise<void> {
    const { storage, clock, serviceVersion } = this.#parts;
    await storage.deadLetters.insert(
      this.#transaction,
      deadLetterOf(unit, error, clock.now(), serviceVersion),
    );
    this.tally.buried.set(unit, error);
  }
}

/** The error of a unit that counts: the end of its call, the transaction's fault, or its own. */
function callFailure(
  { storage }: GroupParts,
  { fault }: Transaction,
  error: unknown,
  unit: number,
): GroupFailure {
  if (error instanceof CallCutOff) return { error: error.reason, unit, phase: 'cut-off' };
  return { error: fault ?? translated(storage, error), unit, phase: 'call' };
}

/** An error that cannot be examined is nobody's but the handler's that threw it. */
export function translated(storage: GroupParts['storage'], error: unknown): Error {
  try {
    return toError(storage.translate(error));
  } catch {
    return toError(error);
  }
}

/** What failed in it is undone, and the rest of it can be committed. */
function usable({ fault, aborted }: Transaction): boolean {
  return fault === null && aborted === null;
}
