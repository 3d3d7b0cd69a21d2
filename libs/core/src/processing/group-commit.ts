/**
 * One transaction over a group of units: begin, fence, admit, handle, seal, commit. Steps 4 to 6 of an event's life.
 *
 * Says what it did and never retries: the processor decides that. Acknowledges nothing.
 */
import { ExactlyOnceError, hasCode, toError } from '../errors/exactly-once-error.js';
import { deadLetterOf } from '../failure/dead-letter-writer.js';
import type { Transaction } from '../storage/transaction.js';
import { errorLine, unitLabel } from './batch-plan.js';
import { GroupAdmission } from './group-admission.js';
import { GroupFence } from './group-fence.js';
import type { GroupParts, GroupRequest } from './group-request.js';
import type { GroupFailure, GroupResult } from './group-result.js';
import { CallCutOff, callHandler } from './handler-call.js';
import type { HandlerUnit } from './handler-unit.js';

/** What became of the units of a group, reported once it has committed. */
interface Tally {
  duplicates: number;
  buried: Map<HandlerUnit, unknown>;
  /** Their ids belong to other events: the cache must not remember these bodies. */
  reused: Set<HandlerUnit>;
}

export class GroupCommit {
  constructor(readonly parts: GroupParts) {}

  /** Never rejects for a failure of the group, except with EO_FENCED. */
  async run(request: GroupRequest): Promise<GroupResult> {
    const run = new GroupRun(this.parts, request);
    try {
      return await run.execute();
    } catch (error) {
      await run.rollback();
      if (hasCode(error, 'EO_FENCED')) throw error;
      return { done: request.from, failure: run.blame(error) };
    }
  }
}

class GroupRun {
  readonly #parts: GroupParts;
  readonly #request: GroupRequest;
  readonly #fence: GroupFence;
  readonly #tally: Tally = { duplicates: 0, buried: new Map(), reused: new Set() };
  #transaction: Transaction | null = null;
  #phase: GroupFailure['phase'] = 'other';
  #current: number | null = null;

  constructor(parts: GroupParts, request: GroupRequest) {
    this.#parts = parts;
    this.#request = request;
    const { session, plan } = request;
    this.#fence = new GroupFence(parts.storage.fences, session.fence, plan.deliveries);
  }

  async execute(): Promise<GroupResult> {
    const { from, to, plan } = this.#request;
    const transaction = await this.#begin();
    await this.#fence.move(transaction, plan.deliveriesDone(to));
    const admission = await GroupAdmission.ask(this.#parts, transaction, this.#units());
    const { done, failure } = await this.#handle(transaction, admission);
    if (failure !== null && done === from) {
      await transaction.rollback();
      return { done, failure };
    }
    this.#phase = 'other';
    this.#current = null;
    if (done < to) await this.#handBack(transaction, admission, done);
    this.#phase = 'seal';
    const published = transaction.outgoing.length > 0;
    await transaction.seal();
    this.#phase = 'commit';
    await transaction.commit();
    this.#fence.committed();
    this.#committed(done, published);
    return { done, failure };
  }

  async rollback(): Promise<void> {
    await this.#transaction?.rollback();
  }

  /** The error that counts, and whose it is. */
  blame(error: unknown): GroupFailure {
    if (error instanceof CallCutOff) return { error: error.reason, unit: this.#current, phase: 'cut-off' };
    const fault = this.#transaction?.fault ?? null;
    return { error: fault ?? this.#translated(error), unit: this.#current, phase: this.#phase };
  }

  /** An error that cannot be examined is nobody's but the handler's that threw it. */
  #translated(error: unknown): Error {
    try {
      return toError(this.#parts.storage.translate(error));
    } catch {
      return toError(error);
    }
  }

  async #begin(): Promise<Transaction> {
    const { storage, idleTimeoutMs, isolation } = this.#parts;
    const units = this.#units();
    const timeouts = units.map((unit) => unit.handler?.timeoutMs ?? 0);
    this.#transaction = await storage.begin({
      idleTimeoutMs,
      statementTimeoutMs: Math.max(1_000, ...timeouts),
      isolation,
      shared: units.length > 1 || units.some((unit) => unit.handler?.commit === 'batch'),
    });
    return this.#transaction;
  }

  #units(): readonly HandlerUnit[] {
    return this.#request.plan.units.slice(this.#request.from, this.#request.to);
  }

  /** Events in order, until the end, a failure behind a savepoint, or the time that a transaction may be open. */
  async #handle(transaction: Transaction, admission: GroupAdmission): Promise<GroupResult> {
    const { from, to, plan, session, savepoints } = this.#request;
    const openUntilMs = this.#parts.clock.now() + this.#parts.maxOpenMs;
    for (let index = from; index < to; index++) {
      const unit = plan.units[index]!;
      this.#current = index;
      this.#phase = 'call';
      if (index > from && (this.#parts.clock.now() >= openUntilMs || session.aborted.aborted)) {
        return { done: index, failure: null };
      }
      try {
        await this.#handleUnit(transaction, unit, admission);
      } catch (error) {
        if (!savepoints || error instanceof CallCutOff || !usable(transaction)) throw error;
        return { done: index, failure: this.blame(error) };
      }
    }
    this.#current = null;
    return { done: to, failure: null };
  }

  async #handleUnit(transaction: Transaction, unit: HandlerUnit, admission: GroupAdmission): Promise<void> {
    const ruling = admission.ruling(unit);
    if (ruling.verdict === 'reused') this.#tally.reused.add(unit);
    if (ruling.verdict === 'duplicate' || (ruling.verdict === 'reused' && ruling.known)) {
      this.#tally.duplicates++;
    } else if (ruling.verdict === 'reused') {
      await this.#bury(transaction, unit, ruling.error);
    } else if (unit.hopeless !== null) {
      await this.#bury(transaction, unit, unit.hopeless);
    } else {
      const { handler, event } = unit;
      if (handler === null || event === null) throw new ExactlyOnceError('EO_INTERNAL', unitLabel(unit));
      if (unit.firstAttemptAtMs === 0) unit.firstAttemptAtMs = this.#parts.clock.now();
      const { savepoints: savepoint, session } = this.#request;
      const call = { unit, handler, event, transaction, savepoint, aborted: session.aborted };
      await callHandler(this.#parts, call);
    }
  }

  async #bury(transaction: Transaction, unit: HandlerUnit, error: unknown): Promise<void> {
    const { storage, clock, serviceVersion } = this.#parts;
    await storage.deadLetters.insert(transaction, deadLetterOf(unit, error, clock.now(), serviceVersion));
    this.#tally.buried.set(unit, error);
  }

  /** Takes back what was admitted and not handled, and sets the fence to where the group really ends. */
  async #handBack(transaction: Transaction, admission: GroupAdmission, done: number): Promise<void> {
    const { plan, to } = this.#request;
    const keys = admission.recordedFor(plan.units.slice(done, to));
    if (keys.length > 0) await this.#parts.storage.inbox.withdraw(transaction, keys);
    await this.#fence.move(transaction, plan.deliveriesDone(done));
  }

  #committed(done: number, published: boolean): void {
    const { cache, telemetry } = this.#parts;
    const units = this.#request.plan.units.slice(this.#request.from, done);
    const { buried, reused } = this.#tally;
    for (const unit of units) {
      if (!buried.has(unit) && !reused.has(unit)) cache.remember(unit.key, unit.fingerprint);
    }
    telemetry.count('exactly_once.commits', 1);
    telemetry.count('exactly_once.deliveries', units.length);
    telemetry.record('exactly_once.batch_size', units.length);
    if (this.#tally.duplicates > 0) telemetry.count('exactly_once.duplicates', this.#tally.duplicates);
    if (buried.size > 0) telemetry.count('exactly_once.dead_letters', buried.size);
    for (const [unit, error] of buried)
      this.#parts.logger.error(`dead-lettered: ${unitLabel(unit)}: ${errorLine(error)}`);
    if (published) this.#parts.published();
  }
}

/** What failed in it is undone, and the rest of it can be committed. */
function usable({ fault, aborted }: Transaction): boolean {
  return fault === null && aborted === null;
}
