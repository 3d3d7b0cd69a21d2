/**
 * Says what becomes of an event that failed by its own fault, when it is looked at next. Step 8 of an event's life.
 *
 * Parked until its next attempt, or tried again in place where it cannot wait elsewhere; dead-lettered when it is
 * hopeless. Never given up for what it met beside neighbours that were not committed.
 */
import { ExactlyOnceError } from '../errors/exactly-once-error.js';
import { backoffMs, decide, defaultRetryPolicy } from '../failure/failure-policy.js';
import type { Logger } from '../telemetry/logger.js';
import { errorLine, unitLabel } from './batch-plan.js';
import type { GroupCommit } from './group-commit.js';
import type { HandlerUnit } from './handler-unit.js';
import type { RegisteredHandler } from './registered-handler.js';

interface DisposalParts {
  readonly group: GroupCommit;
  readonly logger: Logger;
  readonly random: () => number;
}

interface Circumstances {
  /** It failed with nothing before it in its transaction. */
  readonly confirmed: boolean;
  /** In the database, instead of its partition. */
  readonly canWait: boolean;
}

/**
 * Unconfirmed, behind neighbours that were rolled back with it, it is not given up: what it saw of them may never be so.
 * It is asked once more, alone. Throws EO_STOPPED where the consumer cannot go on.
 */
export function dispose(
  { group, logger, random }: DisposalParts,
  unit: HandlerUnit,
  error: Error,
  { confirmed, canWait }: Circumstances,
): void {
  const { clock, telemetry } = group.parts;
  const attempts = unit.attempts + 1;
  const policy = unit.handler?.retry ?? defaultRetryPolicy;
  const disposition = decide({ error, attempts, uncounted: 0, policy }, random);
  const label = `${unitLabel(unit)}: ${errorLine(error)}`;
  unit.alone = true;
  if (disposition.action === 'stop') {
    throw new ExactlyOnceError('EO_STOPPED', `cannot go on at ${label}`, { cause: error });
  }
  if (disposition.action === 'dead-letter') {
    if (!confirmed) {
      logger.debug(`failed behind others, once more alone: ${label}`);
      return;
    }
    unit.attempts = attempts;
    unit.hopeless = error;
    logger.warn(`attempt ${attempts} failed, it was the last: ${label}`);
    return;
  }
  unit.attempts = attempts;
  const dueAtMs = clock.now() + disposition.delayMs;
  if (canWait && mayPark(unit)) park(unit, error, dueAtMs);
  else unit.dueAtMs = dueAtMs;
  telemetry.count('exactly_once.retries', 1, { counted: true });
  logger.warn(`attempt ${attempts} failed, again in ${disposition.delayMs} ms: ${label}`);
}

/** Not its fault, but it alone meets it, again and again: it waits uncounted, and its partition goes on. */
export function setAside({ group, logger, random }: DisposalParts, unit: HandlerUnit, error: Error): void {
  if (!mayPark(unit) || unit.hopeless !== null) return;
  park(unit, error, group.parts.clock.now() + backoffMs(unit.handler.retry, 1, random));
  logger.warn(`is set aside, uncounted: ${unitLabel(unit)}: ${errorLine(error)}`);
}

/** Where everything behind it waits, it waits in its partition. */
function mayPark(unit: HandlerUnit): unit is HandlerUnit & { readonly handler: RegisteredHandler } {
  return unit.handler !== null && unit.handler.order !== 'partition';
}

/** In the transaction that acknowledges it. */
function park(unit: HandlerUnit, error: Error, dueAtMs: number): void {
  unit.nextAttemptAtMs = dueAtMs;
  unit.hopeless = error;
  unit.parks = true;
}
