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
import { isThenable } from '../thenable.js';
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
  const wanted = units.filter(({ hopeless, event, handler }) => !hopeless && event && handler?.batch);
  const preparation = new Preparation(parts, wanted);
  if (wanted.length > 0) await preparation.run(aborted);
  return preparation.payloads;
}

/** Of one unit of a batch handler. Throws why there is none. */
export async function preparedPayload(
  parts: PreparingParts,
  unit: HandlerUnit,
  aborted: AbortSignal,
): Promise<unknown> {
  const payload = (await preparePayloads(parts, [unit], aborted)).get(unit);
  if (payload === undefined) throw new ExactlyOnceError('EO_INTERNAL', unitLabel(unit));
  if ('failure' in payload) throw payload.failure;
  return payload.data;
}

/**
 * One after another. A rule that asks somebody else may never get an answer: each has its handler's time, and all end
 * with the process. One timer watches whichever is at work: a timer and a race for each event would cost more than
 * most rules.
 */
class Preparation {
  readonly payloads = new Map<HandlerUnit, Payload>();
  readonly #parts: PreparingParts;
  readonly #units: readonly HandlerUnit[];
  readonly #shortestMs: number;
  #at = 0;
  #sinceMs = 0;
  /** Whose answers still count: one that is given up is not waited for, and the next goes on without it. */
  #turn = 0;

  constructor(parts: PreparingParts, units: readonly HandlerUnit[]) {
    this.#parts = parts;
    this.#units = units;
    this.#shortestMs = Math.min(...units.map(({ handler }) => handler!.timeoutMs));
  }

  run(aborted: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      let stopTimer = () => {};
      const over = () => {
        this.#turn++;
        stopTimer();
        aborted.removeEventListener('abort', onAbort);
      };
      const onAbort = () => {
        over();
        const what = `${unitLabel(this.#units[this.#at]!)} was interrupted`;
        reject(new ExactlyOnceError('EO_SHUTTING_DOWN', what));
      };
      const goOn = (from: number) => {
        this.#prepareFrom(from, this.#turn).then((finished) => {
          if (!finished) return;
          over();
          resolve();
        }, reject);
      };
      const watch = (ms: number) => {
        stopTimer = this.#parts.clock.timer(ms, () => {
          const restMs = this.#restMs();
          if (restMs <= 0) goOn(this.#giveUpCurrent());
          watch(restMs <= 0 ? this.#shortestMs : Math.min(restMs, this.#shortestMs));
        });
      };
      aborted.addEventListener('abort', onAbort, { once: true });
      if (aborted.aborted) return onAbort();
      watch(this.#shortestMs);
      goOn(0);
    });
  }

  /** False where its turn was over before it came to the end. Never rejects. */
  async #prepareFrom(from: number, turn: number): Promise<boolean> {
    for (let at = from; at < this.#units.length; at++) {
      const unit = this.#units[at]!;
      this.#at = at;
      this.#sinceMs = this.#parts.clock.now();
      let payload: Payload;
      try {
        const decoded = decodeBody(unit.event!, this.#parts.codec, unit.handler!.descriptor);
        const prepared = unit.handler!.batch!.prepare(isThenable(decoded) ? await decoded : decoded);
        payload = { data: isThenable(prepared) ? await prepared : prepared };
      } catch (thrown) {
        payload = { failure: toError(thrown) };
      }
      if (this.#turn !== turn) return false;
      this.#settle(unit, payload);
    }
    return true;
  }

  #settle(unit: HandlerUnit, payload: Payload): void {
    this.payloads.set(unit, payload);
    if (!('failure' in payload)) return;
    const { failure } = payload;
    if (isExactlyOnceError(failure) && failure.outcome === 'dead-letter')
      giveUp(unit, failure, this.#parts.clock);
  }

  #restMs(): number {
    return this.#sinceMs + this.#units[this.#at]!.handler!.timeoutMs - this.#parts.clock.now();
  }

  /** Index of the one after it. */
  #giveUpCurrent(): number {
    const unit = this.#units[this.#at]!;
    this.#turn++;
    const what = `the payload of ${unitLabel(unit)} was not there after ${unit.handler!.timeoutMs} ms`;
    this.#settle(unit, { failure: new ExactlyOnceError('EO_HANDLER_TIMEOUT', what) });
    return this.#at + 1;
  }
}

function giveUp(unit: HandlerUnit, error: Error, clock: Clock): void {
  if (unit.firstAttemptAtMs === 0) unit.firstAttemptAtMs = clock.now();
  unit.attempts++;
  unit.hopeless = error;
}
