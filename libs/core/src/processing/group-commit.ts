/**
 * One transaction over a group of units: prepare, begin, fence, admit, handle, seal, commit. Steps 4 to 6 of an event's life.
 *
 * Says what it did and never retries: the processor decides that. Acknowledges nothing.
 */
import { hasCode } from '../errors/exactly-once-error.js';
import { unitsBehindParked } from '../failure/park-writer.js';
import type { Transaction } from '../storage/transaction.js';
import { preparePayloads } from './batch-payloads.js';
import { errorLine, unitLabel } from './batch-plan.js';
import { GroupAdmission } from './group-admission.js';
import { GroupFence } from './group-fence.js';
import { GroupHandling, type Tally, translated } from './group-handling.js';
import type { GroupParts, GroupRequest } from './group-request.js';
import type { GroupFailure, GroupResult } from './group-result.js';
import type { HandlerUnit } from './handler-unit.js';
import { byPosition, OffsetMarks } from './offset-marks.js';

/**
 * Milliseconds that a statement of a group waits for a lock before the group gives way and is tried again at half
 * its size: less than a deadlock takes to be found (PostgreSQL: 1 s). An event alone waits as long as it takes.
 */
const lockPatienceMs = 500;

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
      return { done: request.from, failure: run.blame(error), handledMs: 0 };
    }
  }
}

class GroupRun {
  readonly #parts: GroupParts;
  readonly #request: GroupRequest;
  readonly #fence: GroupFence;
  #transaction: Transaction | null = null;
  #phase: GroupFailure['phase'] = 'other';

  constructor(parts: GroupParts, request: GroupRequest) {
    this.#parts = parts;
    this.#request = request;
    const { session, plan } = request;
    this.#fence = new GroupFence(parts.storage.fences, session.fence, plan.deliveries);
  }

  async execute(): Promise<GroupResult> {
    const { from, to, plan, session } = this.#request;
    const payloads = await preparePayloads(this.#parts, this.#units(), session.aborted);
    const transaction = await this.#begin();
    const marks = new OffsetMarks(plan, from);
    const admission = await this.#admit(transaction, marks);
    const behind = await this.#behindParked(transaction);
    const begun = { transaction, admission, payloads, behind };
    const handling = new GroupHandling(this.#parts, this.#request, begun);
    const { clock } = this.#parts;
    const startedAtMs = clock.now();
    const { done, failure } = await handling.run();
    const handledMs = clock.now() - startedAtMs;
    if (failure !== null && done === from) {
      await transaction.rollback();
      return { done, failure, handledMs };
    }
    if (done < to) await this.#handBack(transaction, admission, done);
    await marks.settle(this.#parts.storage.inbox, transaction, done);
    if (session.draining.aborted) await this.#fence.leave(transaction);
    this.#phase = 'seal';
    const published = transaction.outgoing.length > 0;
    await transaction.seal();
    await this.#commit(transaction);
    this.#fence.committed();
    this.#committed(done, handling.tally, published);
    return { done, failure, handledMs };
  }

  /** Behind the fence: at once where statements are sent in order without waiting for answers. */
  async #admit(transaction: Transaction, marks: OffsetMarks): Promise<GroupAdmission> {
    const { plan, to } = this.#request;
    const { concurrentStatements } = this.#parts.storage.features;
    const fenced = this.#fence.move(transaction, plan.deliveriesDone(to));
    if (!concurrentStatements) await fenced;
    const asked = GroupAdmission.ask(this.#parts, transaction, this.#units(), marks);
    const [, admission] = await Promise.all([fenced, asked]);
    return admission;
  }

  /** What was left to it by the seal fails as the seal. */
  async #commit(transaction: Transaction): Promise<void> {
    this.#phase = 'commit';
    try {
      await transaction.commit();
    } catch (error) {
      const unsealed = transaction.state === 'sealed' || hasCode(error, 'EO_TRANSACTION_ABORTED');
      if (unsealed) this.#phase = 'seal';
      throw error;
    }
  }

  async rollback(): Promise<void> {
    await this.#transaction?.rollback();
  }

  /** What failed is the group as a whole: a unit's own failure is no rejection. */
  blame(error: unknown): GroupFailure {
    const fault = this.#transaction?.fault ?? null;
    return { error: fault ?? translated(this.#parts.storage, error), unit: null, phase: this.#phase };
  }

  async #begin(): Promise<Transaction> {
    const { storage, idleTimeoutMs, isolation } = this.#parts;
    const units = this.#units();
    const timeouts = units.map((unit) => unit.handler?.timeoutMs ?? 0);
    this.#transaction = await storage.begin({
      idleTimeoutMs,
      statementTimeoutMs: Math.max(1_000, ...timeouts),
      lockTimeoutMs: units.length > 1 ? lockPatienceMs : 0,
      isolation,
      triedAgain: true,
      sealsWithCommit: true,
      shared: units.length > 1 || units.some((unit) => unit.handler?.commit === 'batch'),
    });
    return this.#transaction;
  }

  /** Asked only where the fence's own statement has seen that anything is parked. */
  async #behindParked(transaction: Transaction): Promise<ReadonlyMap<HandlerUnit, Error>> {
    if (!this.#fence.anyParked) return new Map();
    return unitsBehindParked(this.#parts.storage.parked, transaction, this.#units());
  }

  #units(): readonly HandlerUnit[] {
    return this.#request.plan.units.slice(this.#request.from, this.#request.to);
  }

  /** Takes back what was admitted and not handled, and sets the fence to where the group really ends. */
  async #handBack(transaction: Transaction, admission: GroupAdmission, done: number): Promise<void> {
    const { plan, to } = this.#request;
    const keys = admission.recordedFor(plan.units.slice(done, to));
    if (keys.length > 0) await this.#parts.storage.inbox.withdraw(transaction, keys);
    await this.#fence.move(transaction, plan.deliveriesDone(done));
  }

  #committed(done: number, tally: Tally, published: boolean): void {
    const { cache, telemetry } = this.#parts;
    const units = this.#request.plan.units.slice(this.#request.from, done);
    const { duplicates, buried, parked, reused } = tally;
    for (const unit of units) {
      if (!buried.has(unit) && !parked.has(unit) && !reused.has(unit) && !byPosition(unit))
        cache.remember(unit.key, unit.fingerprint);
    }
    telemetry.count('exactly_once.commits', 1);
    telemetry.count('exactly_once.deliveries', units.length);
    telemetry.record('exactly_once.batch_size', units.length);
    if (duplicates > 0) telemetry.count('exactly_once.duplicates', duplicates);
    if (buried.size > 0) telemetry.count('exactly_once.dead_letters', buried.size);
    if (parked.size > 0) telemetry.count('exactly_once.parked', parked.size);
    for (const [unit, error] of parked) {
      const level = unit.deaths > 0 ? 'error' : unit.parks ? 'warn' : 'debug';
      this.#parts.logger[level](`parked: ${unitLabel(unit)}: ${errorLine(error)}`);
      if (unit.nextAttemptAtMs !== null) this.#parts.parked(unit.nextAttemptAtMs);
    }
    for (const [unit, error] of buried)
      this.#parts.logger.error(`dead-lettered: ${unitLabel(unit)}: ${errorLine(error)}`);
    if (published) this.#parts.published();
  }
}
