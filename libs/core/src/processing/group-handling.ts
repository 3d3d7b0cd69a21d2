/**
 * Runs the units of a group inside its transaction, in order or in lanes. Step 5 of an event's life.
 *
 * Says how far it came and whose failure stopped it; never rejects, rolls back or commits: that is the group's.
 * With savepoints what was done before the failure is kept, without them nothing is.
 */
import { ExactlyOnceError, hasCode, toError } from '../errors/exactly-once-error.js';
import { bury } from '../failure/burial.js';
import { parkedEventOf } from '../failure/park-writer.js';
import type { Transaction } from '../storage/transaction.js';
import { BatchCallFailed, BatchCalls } from './batch-calls.js';
import type { Payloads } from './batch-payloads.js';
import { unitLabel } from './batch-plan.js';
import { GroupInterrupt } from './call-end.js';
import type { GroupAdmission } from './group-admission.js';
import type { GroupParts, GroupRequest } from './group-request.js';
import type { GroupFailure, HandlingResult } from './group-result.js';
import { CallCutOff, callHandler } from './handler-call.js';
import type { HandlerUnit } from './handler-unit.js';
import { foremost, Lanes } from './lanes.js';

/** What became of the units of a group, reported once it has committed. */
export interface Tally {
  duplicates: number;
  buried: Map<HandlerUnit, unknown>;
  parked: Map<HandlerUnit, unknown>;
  /** Their ids belong to other events: the cache must not remember these bodies. */
  reused: Set<HandlerUnit>;
}

/** What a group has before its first unit is handled. */
export interface BegunGroup {
  readonly transaction: Transaction;
  readonly admission: GroupAdmission;
  readonly payloads: Payloads;
  /** Units that wait behind parked events, with what says so. */
  readonly behind: ReadonlyMap<HandlerUnit, Error>;
}

export class GroupHandling {
  readonly tally: Tally = { duplicates: 0, buried: new Map(), parked: new Map(), reused: new Set() };
  readonly #parts: GroupParts;
  readonly #request: GroupRequest;
  readonly #transaction: Transaction;
  readonly #admission: GroupAdmission;
  readonly #behind: ReadonlyMap<HandlerUnit, Error>;
  readonly #batches: BatchCalls;
  readonly #interrupt = new GroupInterrupt();

  constructor(parts: GroupParts, request: GroupRequest, begun: BegunGroup) {
    const { transaction, admission, payloads, behind } = begun;
    this.#parts = parts;
    this.#request = request;
    this.#transaction = transaction;
    this.#admission = admission;
    this.#behind = behind;
    this.#batches = new BatchCalls(parts, { transaction, payloads, interrupt: this.#interrupt });
  }

  /**
   * Until the end, a failure, or the time that a transaction may be open. `done` is where it began where all is to be
   * undone.
   */
  async run(): Promise<HandlingResult> {
    const { from, to, plan, savepoints, session } = this.#request;
    const openUntilMs = this.#parts.clock.now() + this.#parts.maxOpenMs;
    const units = plan.units.slice(from, to);
    return this.#interrupt.during(session.aborted, () => {
      if (!savepoints && mayUseLanes(units)) return this.#runInLanes(units, openUntilMs);
      return this.#runInOrder(openUntilMs);
    });
  }

  async #runInOrder(openUntilMs: number): Promise<HandlingResult> {
    const { from, to, plan, session, savepoints } = this.#request;
    for (let index = from; index < to; index++) {
      if (index > from && (this.#parts.clock.now() >= openUntilMs || session.aborted.aborted)) {
        return this.#end(index, null);
      }
      try {
        await this.#handleUnit(plan.units[index]!, false);
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
  async #end(done: number, failure: GroupFailure | null): Promise<HandlingResult> {
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

  /** Nobody is blamed for what fails beside others: the next try is in order, behind savepoints, and finds out. */
  async #runInLanes(units: readonly HandlerUnit[], openUntilMs: number): Promise<HandlingResult> {
    const { from, session } = this.#request;
    const lanes = new Lanes({
      goesOn: () => this.#parts.clock.now() < openUntilMs && !session.aborted.aborted,
      alone: (unit) => this.#toBury(unit) !== null || this.#behind.has(unit),
      handle: (unit) => this.#handleUnit(unit, true),
      interrupt: this.#interrupt.interrupt,
    });
    const { begun, errors } = await lanes.run(units);
    const { aborted } = this.#transaction;
    if (errors.length === 0 && aborted === null) return { done: from + begun, failure: null };
    const isAborted = (error: unknown) =>
      hasCode(translated(this.#parts.storage, error), 'EO_TRANSACTION_ABORTED');
    const error = errors.length === 0 ? aborted : foremost(errors, isAborted);
    return { done: from, failure: callFailure(this.#parts, this.#transaction, error, null) };
  }

  /** Why no handler is called for it; `null` where one is, or where it is done already. */
  #toBury(unit: HandlerUnit): Error | null {
    const ruling = this.#admission.ruling(unit);
    if (ruling.verdict === 'duplicate') return null;
    if (ruling.verdict === 'fresh') return unit.hopeless;
    return ruling.known ? null : ruling.error;
  }

  #handleUnit(unit: HandlerUnit, beside: boolean): Promise<void> {
    const { verdict } = this.#admission.ruling(unit);
    const toBury = this.#toBury(unit);
    if (verdict === 'reused') this.tally.reused.add(unit);
    if (verdict === 'fresh' && unit.parks && toBury !== null) return this.#park(unit, toBury);
    const waits = verdict === 'fresh' && unit.deaths === 0 ? this.#behind.get(unit) : undefined;
    if (waits) return this.#parkBehind(unit, waits);
    if (toBury !== null) return this.#bury(unit, toBury);
    if (verdict === 'fresh') return this.#call(unit, beside);
    this.tally.duplicates++;
    return Promise.resolve();
  }

  #call(unit: HandlerUnit, beside: boolean): Promise<void> {
    const { handler, event } = unit;
    if (handler === null || event === null) throw new ExactlyOnceError('EO_INTERNAL', unitLabel(unit));
    if (unit.firstAttemptAtMs === 0) unit.firstAttemptAtMs = this.#parts.clock.now();
    if (handler.batch !== null) return this.#batches.add(unit, handler);
    const { savepoints: savepoint } = this.#request;
    const transaction = this.#transaction;
    const events = [{ unit, event }];
    const interrupt = this.#interrupt;
    const call = { handler, events, payloads: null, transaction, savepoint, beside, interrupt };
    return callHandler(this.#parts, call);
  }

  /** Also one that is given up: its letter comes behind those of its key, when the attempt that failed is made again. */
  #parkBehind(unit: HandlerUnit, error: Error): Promise<void> {
    const attempts = unit.hopeless === null ? unit.attempts : unit.attempts - 1;
    return this.#park(unit, error, attempts);
  }

  async #park(unit: HandlerUnit, error: Error, attempts = unit.attempts): Promise<void> {
    const { storage, clock } = this.#parts;
    await storage.parked.park(this.#transaction, parkedEventOf({ ...unit, attempts }, error, clock.now()));
    this.tally.parked.set(unit, error);
  }

  async #bury(unit: HandlerUnit, error: unknown): Promise<void> {
    await bury(this.#parts, this.#transaction, unit, error);
    this.tally.buried.set(unit, error);
  }
}

/** The error of a unit that counts: the end of its call, the transaction's fault, or its own. */
function callFailure(
  { storage }: GroupParts,
  { fault }: Transaction,
  error: unknown,
  unit: number | null,
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

/** More than one unit, of which at least one may run beside others; batch handlers gather theirs in order. */
function mayUseLanes(units: readonly HandlerUnit[]): boolean {
  const handlers = units.map(({ handler }) => handler);
  if (units.length === 1 || handlers.some((handler) => (handler?.batch ?? null) !== null)) return false;
  return handlers.some((handler) => (handler?.concurrency ?? 1) > 1);
}
