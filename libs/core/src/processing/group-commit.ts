/**
 * One transaction over a group of units: begin, fence, admit, handle, seal, commit. Steps 4 to 6 of an event's life.
 *
 * Says what it did and never retries: the processor decides that. Acknowledges nothing.
 */
import { ExactlyOnceError } from '../errors/exactly-once-error.js';
import { inboxKey } from '../event/event-id.js';
import { deadLetterOf } from '../failure/dead-letter-writer.js';
import type { Admission } from '../inbox/inbox-store.js';
import type { Transaction } from '../storage/transaction.js';
import { errorLine, unitLabel } from './batch-plan.js';
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
      if (error instanceof ExactlyOnceError && error.code === 'EO_FENCED') throw error;
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
    const admissions = await this.#admit(transaction);
    const { done, failure } = await this.#handle(transaction, admissions);
    if (failure !== null && done === from) {
      await transaction.rollback();
      return { done, failure };
    }
    this.#phase = 'other';
    this.#current = null;
    if (done < to) await this.#handBack(transaction, admissions, done);
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
    const cutOff = error instanceof CallCutOff;
    const fault = cutOff ? null : (this.#transaction?.fault ?? null);
    const translated = this.#parts.storage.translate(cutOff ? error.reason : error);
    const cause = fault ?? translated;
    return { error: cause, unit: this.#current, phase: cutOff ? 'cut-off' : this.#phase };
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

  async #admit(transaction: Transaction): Promise<Map<HandlerUnit, Admission>> {
    const { cache, storage } = this.#parts;
    const asked = new Map<string, HandlerUnit>();
    for (const unit of this.#units()) {
      const slot = Buffer.from(unit.key).toString('latin1');
      if (!asked.has(slot) && !cache.has(unit.key, unit.fingerprint)) asked.set(slot, unit);
    }
    const units = [...asked.values()];
    const records = units.map(({ key, known, fingerprint }) => ({ key, handlerId: known.id, fingerprint }));
    const answers = records.length === 0 ? [] : await storage.inbox.admit(transaction, records);
    return new Map(units.map((unit, index) => [unit, answers[index]!]));
  }

  /** Events in order, until the end, a failure behind a savepoint, or the time that a transaction may be open. */
  async #handle(
    transaction: Transaction,
    admissions: ReadonlyMap<HandlerUnit, Admission>,
  ): Promise<GroupResult> {
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
        await this.#handleUnit(transaction, unit, admissions);
      } catch (error) {
        if (!savepoints || error instanceof CallCutOff || transaction.fault !== null) throw error;
        return { done: index, failure: this.blame(error) };
      }
    }
    this.#current = null;
    return { done: to, failure: null };
  }

  async #handleUnit(
    transaction: Transaction,
    unit: HandlerUnit,
    admissions: ReadonlyMap<HandlerUnit, Admission>,
  ): Promise<void> {
    const admission = admissions.get(unit);
    if (admission === undefined) {
      await this.#repeated(transaction, unit, admissions);
    } else if (admission.verdict === 'duplicate') {
      await this.#duplicate(transaction, unit, admission.fingerprint);
    } else if (unit.hopeless !== null) {
      await this.#bury(transaction, unit, unit.hopeless);
    } else {
      const { handler, event } = unit;
      if (handler === null || event === null) throw new ExactlyOnceError('EO_INTERNAL', unitLabel(unit));
      if (unit.firstAttemptAtMs === 0) unit.firstAttemptAtMs = this.#parts.clock.now();
      const { savepoints: savepoint, session } = this.#request;
      await callHandler(this.#parts, {
        unit,
        handler,
        event,
        transaction,
        savepoint,
        aborted: session.aborted,
      });
    }
  }

  /** Not asked about: the cache knows it, or it stands twice in this group. */
  async #repeated(
    transaction: Transaction,
    unit: HandlerUnit,
    admissions: ReadonlyMap<HandlerUnit, Admission>,
  ): Promise<void> {
    if (this.#parts.cache.has(unit.key, unit.fingerprint)) {
      this.#tally.duplicates++;
      return;
    }
    const first = this.#units().find((other) => Buffer.compare(other.key, unit.key) === 0)!;
    const admission = admissions.get(first);
    const recorded = admission?.verdict === 'duplicate' ? admission.fingerprint : first.fingerprint;
    await this.#duplicate(transaction, unit, recorded);
  }

  async #duplicate(transaction: Transaction, unit: HandlerUnit, recorded: Uint8Array): Promise<void> {
    if (Buffer.compare(recorded, unit.fingerprint) === 0) {
      this.#tally.duplicates++;
      return;
    }
    this.#tally.reused.add(unit);
    const own = Buffer.from(unit.fingerprint).toString('hex');
    const before = Buffer.from(recorded).toString('hex');
    const error = new ExactlyOnceError(
      'EO_ID_REUSED',
      `${unitLabel(unit)}: body ${own}, recorded body ${before}`,
      {
        details: { fingerprint: own, recorded: before },
      },
    );
    const key = inboxKey(unit.known.identity, unit.known.generation, `reused ${own}`, unit.event?.id ?? '');
    const record = { key, handlerId: unit.known.id, fingerprint: unit.fingerprint };
    const [admission] = await this.#parts.storage.inbox.admit(transaction, [record]);
    if (admission?.verdict === 'fresh') await this.#bury(transaction, unit, error);
    else this.#tally.duplicates++;
  }

  async #bury(transaction: Transaction, unit: HandlerUnit, error: unknown): Promise<void> {
    const { storage, clock, serviceVersion } = this.#parts;
    await storage.deadLetters.insert(transaction, deadLetterOf(unit, error, clock.now(), serviceVersion));
    this.#tally.buried.set(unit, error);
  }

  /** Takes back what was admitted and not handled, and sets the fence to where the group really ends. */
  async #handBack(
    transaction: Transaction,
    admissions: ReadonlyMap<HandlerUnit, Admission>,
    done: number,
  ): Promise<void> {
    const { plan, to } = this.#request;
    const keys = plan.units
      .slice(done, to)
      .filter((unit) => admissions.get(unit)?.verdict === 'fresh')
      .map((unit) => unit.key);
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
