/**
 * What batch handlers get of their events: decoded, upcast and prepared before any of them is admitted. Between steps
 * 3 and 4 of an event's life.
 *
 * An event whose body is wrong for ever fails here, alone, and is dead-lettered beside its neighbours. Made anew for
 * each transaction, because a call that failed may have changed what it was given. Writes nothing.
 */
import type { Clock } from '../clock.js';
import { ExactlyOnceError, isExactlyOnceError, toError } from '../errors/exactly-once-error.js';
import { decodeBody } from '../event/event-body.js';
import type { EventCodec } from '../event/event-codec.js';
import { unitLabel } from './batch-plan.js';
import type { HandlerUnit } from './handler-unit.js';

export interface PreparingParts {
  readonly codec: EventCodec;
  readonly clock: Clock;
}

export type Payload = { readonly data: unknown } | { readonly failure: Error };

/** Only units of batch handlers have one. */
export type Payloads = ReadonlyMap<HandlerUnit, Payload>;

/** Marks as hopeless what can never be handled. Throws EO_SHUTTING_DOWN where `aborted` says so. */
export async function preparePayloads(
  parts: PreparingParts,
  units: readonly HandlerUnit[],
  aborted: AbortSignal,
): Promise<Payloads> {
  const payloads = new Map<HandlerUnit, Payload>();
  for (const unit of units) {
    if (unit.hopeless !== null || unit.event === null || !unit.handler?.batch) continue;
    try {
      payloads.set(unit, { data: await inTime(parts, unit, aborted) });
    } catch (thrown) {
      if (aborted.aborted) throw thrown;
      const failure = toError(thrown);
      payloads.set(unit, { failure });
      if (isExactlyOnceError(failure) && failure.outcome === 'dead-letter')
        giveUp(unit, failure, parts.clock);
    }
  }
  return payloads;
}

function giveUp(unit: HandlerUnit, error: Error, clock: Clock): void {
  if (unit.firstAttemptAtMs === 0) unit.firstAttemptAtMs = clock.now();
  unit.attempts++;
  unit.hopeless = error;
}

async function prepared({ codec }: PreparingParts, { event, handler }: HandlerUnit): Promise<unknown> {
  return handler!.batch!.prepare(await decodeBody(event!, codec, handler!.descriptor));
}

/** A rule that asks somebody else may never get an answer: it has the handler's time, and ends with the process. */
async function inTime(parts: PreparingParts, unit: HandlerUnit, aborted: AbortSignal): Promise<unknown> {
  let end: (why: ExactlyOnceError) => void = () => {};
  const ended = new Promise<never>((_, reject) => {
    end = reject;
  });
  const { timeoutMs } = unit.handler!;
  const what = `the payload of ${unitLabel(unit)} was not there after ${timeoutMs} ms`;
  const stopTimer = parts.clock.timer(timeoutMs, () => end(new ExactlyOnceError('EO_HANDLER_TIMEOUT', what)));
  const onAbort = () => end(new ExactlyOnceError('EO_SHUTTING_DOWN', `${unitLabel(unit)} was interrupted`));
  aborted.addEventListener('abort', onAbort, { once: true });
  if (aborted.aborted) onAbort();
  try {
    return await Promise.race([prepared(parts, unit), ended]);
  } finally {
    stopTimer();
    aborted.removeEventListener('abort', onAbort);
  }
}
