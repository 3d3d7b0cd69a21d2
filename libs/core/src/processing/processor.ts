/**
 * Takes a batch of deliveries to its end: group by group, with retries, bisection and dead letters.
 * Steps 4 to 8 of an event's life.
 *
 * A group runs optimistically. Where an event fails it is rolled back, those before it go first, and the event is
 * disposed of alone: see `dispose`. Where nobody can be blamed the group is run with a savepoint for each event; what
 * fails at COMMIT, or in a batch handler, is halved. Nothing is acknowledged before its transaction has committed.
 */
import type { DeliverySink, ProcessingSession } from '../broker/broker.js';
import type { Delivery } from '../broker/delivery.js';
import { longestTimerMs } from '../clock.js';
import { ExactlyOnceError, hasCode } from '../errors/exactly-once-error.js';
import { backoffMs, defaultRetryPolicy } from '../failure/failure-policy.js';
import type { Logger } from '../telemetry/logger.js';
import {
  type BatchPlan,
  errorLine,
  type GroupBounds,
  type HandlerDirectory,
  halve,
  planBatch,
  unitLabel,
} from './batch-plan.js';
import { dispose, setAside } from './disposal.js';
import type { GroupCommit } from './group-commit.js';
import { GroupPace } from './group-pace.js';
import { type GroupFailure, isBlameless } from './group-result.js';
import type { HandlerUnit } from './handler-unit.js';
import { checkPositions } from './offset-marks.js';
import { ProcessKillers } from './process-killers.js';
import { Progress, type Stretch } from './progress.js';
import { Quarantine } from './quarantine.js';

export interface ProcessorParts {
  readonly group: GroupCommit;
  readonly directory: HandlerDirectory;
  readonly bounds: GroupBounds;
  readonly processKillers: 'park' | 'dead-letter';
  /** There is a database in which events can wait for their next attempt. */
  readonly parks: boolean;
  readonly logger: Logger;
  readonly random: () => number;
}

/** Calls of one event that may fail in a row without its fault, before its partition goes on without it. */
const mostHeld = 5;

/** How the next try at a group differs from the last. */
interface Attempt {
  to: number;
  savepoints: boolean;
  /** Calls in a row that failed without anybody's fault. */
  held: number;
  /** Failures in a row that no event is to blame for. */
  uncounted: number;
}

/** Of a group that failed: its first unit, and the first that is not committed. */
interface Reach {
  readonly from: number;
  readonly done: number;
}

interface Culprit {
  readonly index: number;
  readonly unit: HandlerUnit;
}

export class Processor implements DeliverySink {
  readonly #parts: ProcessorParts;
  readonly #progress: Progress;
  readonly pace: GroupPace;
  readonly quarantine = new Quarantine();
  readonly #killers: ProcessKillers;

  constructor(parts: ProcessorParts) {
    this.#parts = parts;
    const { clock, maxOpenMs, storage } = parts.group.parts;
    const { connections } = storage.features;
    const { logger, bounds, processKillers: fate } = parts;
    const { quarantine } = this;
    this.#progress = new Progress(clock);
    this.pace = new GroupPace({ clock, maxEvents: bounds.maxEvents, maxOpenMs, connections });
    this.#killers = new ProcessKillers({ storage, logger, quarantine, reach: bounds.maxEvents, fate });
  }

  async process(deliveries: readonly Delivery[], session: ProcessingSession): Promise<void> {
    await this.run(planBatch(deliveries, this.#parts.directory), session);
  }

  /** Runs a plan; resolves early, without error, where the session drains. */
  async run(plan: BatchPlan, session: ProcessingSession): Promise<void> {
    checkPositions(plan, session.fence);
    const stretch = this.#progress.begin(plan);
    try {
      let done = 0;
      do {
        const next = await this.#advance(plan, done, session, stretch);
        if (next === null) return;
        this.#killers.passed(session.fence, plan.units.slice(done, next));
        done = next;
        stretch.moved();
        session.done(plan.deliveriesDone(done));
      } while (done < plan.units.length);
    } finally {
      stretch.end();
    }
  }

  /** Why processing stands still, for health; `null` where it does not. */
  stuck(): string | null {
    return this.#progress.stuck();
  }

  /** Gets at least one unit from `from` done, however long that takes; the next one, or `null`: draining. */
  async #advance(
    plan: BatchPlan,
    from: number,
    session: ProcessingSession,
    stretch: Stretch,
  ): Promise<number | null> {
    this.#stopBefore(plan.units[from]);
    const end = plan.groupEnd(from, this.#parts.bounds.maxBytes, (unit) => this.pace.mostWith(unit));
    const together = this.#killers.together(session.fence, plan.units.slice(from, end));
    const attempt: Attempt = { to: from + together, savepoints: false, held: 0, uncounted: 0 };
    for (;;) {
      await this.#waitUntilDue(plan.units[from], session);
      const { to, savepoints } = attempt;
      const units = plan.units.slice(from, to);
      const leave = await stretch.waits(this.pace.enter(units, session.draining));
      if (session.draining.aborted) {
        leave();
        return null;
      }
      const run = () => this.#runFenced(plan, from, to, savepoints, session);
      const group = { unit: plan.units[from], from, session, stretch };
      const skipped = await this.#killers.guarded(group, run).finally(leave);
      if (skipped === null || typeof skipped === 'number') return skipped;
      const { done, failure, handledMs } = skipped;
      if (failure === null) {
        this.pace.committed(units, { size: to - from, done: done - from, handledMs });
        return done;
      }
      await this.#learnInAnyCase(plan, { from, done }, attempt, failure, session);
      if (done > from) return done;
    }
  }

  /**
   * A fence that this very owner moved further is the answer to a COMMIT that was not answered: go on from
   * there. Any other is another owner's.
   */
  async #runFenced(
    plan: BatchPlan,
    from: number,
    to: number,
    savepoints: boolean,
    session: ProcessingSession,
  ) {
    try {
      return await this.#parts.group.run({ plan, from, to, savepoints, session });
    } catch (error) {
      const { fence } = session;
      if (!hasCode(error, 'EO_FENCED') || fence === null) throw error;
      const row = await this.#parts.group.parts.storage.fences.read(fence.key);
      const telemetry = this.#parts.group.parts.telemetry;
      if (row === null || row.owner !== fence.owner || row.nextOffset <= fence.nextOffset) {
        telemetry.count('exactly_once.fence_losses', 1, { topic: fence.key.topic });
        throw error;
      }
      fence.nextOffset = row.nextOffset;
      fence.lastFingerprint = row.lastFingerprint;
      const position = plan.units.findIndex((unit) => unit.delivery.offset >= row.nextOffset);
      return position === -1 ? plan.units.length : Math.max(position, from);
    }
  }

  /** What fails here (a log, a telemetry of the user) must not take the partition along. */
  async #learnInAnyCase(
    plan: BatchPlan,
    reach: Reach,
    attempt: Attempt,
    failure: GroupFailure,
    session: ProcessingSession,
  ): Promise<void> {
    try {
      await this.#learn(plan, reach, attempt, failure, session);
    } catch (error) {
      if (hasCode(error, 'EO_STOPPED')) throw error;
      this.#progress.trouble(errorLine(error));
      await this.#parts.group.parts.clock.sleep(defaultRetryPolicy.backoffMs, session.draining);
    }
  }

  /** Turns a failure into what the next try does differently. Throws where the consumer must stop. */
  async #learn(
    plan: BatchPlan,
    { from, done }: Reach,
    attempt: Attempt,
    failure: GroupFailure,
    session: ProcessingSession,
  ): Promise<void> {
    const size = attempt.to - from;
    const half = from + Math.ceil(size / 2);
    const culprit = this.#culprit(plan, from, attempt, failure);
    const canWait = this.#parts.parks && session.fence !== null;
    if (isBlameless(failure)) {
      if (hasCode(failure.error, 'EO_SERIALIZATION_FAILURE')) {
        this.pace.collided(plan.units.slice(from, attempt.to));
        attempt.to = half;
      }
      attempt.held = culprit !== null && failure.phase === 'call' ? attempt.held + 1 : 0;
      if (culprit !== null && attempt.held > 1) attempt.to = Math.max(culprit.index, from + 1);
      const isAside = culprit !== null && size === 1 && attempt.held >= mostHeld && canWait;
      if (isAside) setAside(this.#parts, culprit.unit, failure.error);
      await this.#waitForBetterTimes(plan.units[from], failure.error, attempt, session);
    } else if (failure.batch !== undefined) {
      attempt.to = plan.units.indexOf(halve(failure.batch));
      this.#parts.logger.debug(`a batch of ${failure.batch.length} failed: ${errorLine(failure.error)}`);
    } else if (culprit !== null) {
      // A batch call comes behind what stands after its first event, too.
      const confirmed = culprit.index === done && (size === 1 || !culprit.unit.handler?.batch);
      attempt.to = Math.max(culprit.index, from + 1);
      if (culprit.unit.hopeless === null) {
        dispose(this.#parts, culprit.unit, failure.error, { confirmed, canWait });
      } else await this.#waitForBetterTimes(plan.units[from], failure.error, attempt, session);
    } else if (size === 0) {
      await this.#waitForBetterTimes(undefined, failure.error, attempt, session);
    } else {
      if (failure.phase === 'commit' || attempt.savepoints) attempt.to = half;
      else attempt.savepoints = true;
      this.#parts.logger.debug(`a group of ${size} failed (${failure.phase}): ${errorLine(failure.error)}`);
    }
  }

  /** Whose fault it was, as far as is known: an aborted transaction may be an earlier neighbour's. */
  #culprit(plan: BatchPlan, from: number, attempt: Attempt, failure: GroupFailure): Culprit | null {
    const at = (index: number) => ({ index, unit: plan.units[index]! });
    if (plan.units.length === 0) return null;
    if (attempt.to - from === 1) return at(from);
    if (failure.phase === 'commit' || failure.unit === null) return null;
    if (!attempt.savepoints && hasCode(failure.error, 'EO_TRANSACTION_ABORTED')) return null;
    return at(failure.unit);
  }

  /** Nobody's event failed, something else did: the same try again, without counting. */
  async #waitForBetterTimes(
    unit: HandlerUnit | undefined,
    error: Error,
    attempt: Attempt,
    session: ProcessingSession,
  ): Promise<void> {
    const { telemetry, clock } = this.#parts.group.parts;
    const policy = unit?.handler?.retry ?? defaultRetryPolicy;
    attempt.uncounted++;
    const waitMs = backoffMs(policy, attempt.uncounted, this.#parts.random);
    // A collision is no trouble of the database's; where none of them ends, the stand-still is what shows.
    if (!hasCode(error, 'EO_SERIALIZATION_FAILURE')) this.#progress.trouble(errorLine(error));
    telemetry.count('exactly_once.retries', 1, { counted: false });
    this.#parts.logger.warn(`nothing committed, again in ${waitMs} ms: ${errorLine(error)}`);
    await clock.sleep(waitMs, session.draining);
  }

  async #waitUntilDue(unit: HandlerUnit | undefined, session: ProcessingSession): Promise<void> {
    const { clock } = this.#parts.group.parts;
    const dueAtMs = unit?.dueAtMs ?? 0;
    for (let waitMs = dueAtMs - clock.now(); waitMs > 0; waitMs = dueAtMs - clock.now()) {
      if (session.draining.aborted) return;
      await clock.sleep(Math.min(waitMs, longestTimerMs), session.draining);
    }
  }

  #stopBefore(unit: HandlerUnit | undefined): void {
    if (unit === undefined || unit.forbidden === null) return;
    throw new ExactlyOnceError('EO_STOPPED', `cannot pass by ${unitLabel(unit)}`, { cause: unit.forbidden });
  }
}
