/**
 * What a publication may say about its event, and the check of it before anything is written.
 *
 * A value that the database or the broker would refuse later, when nobody awaits it any more, is refused here.
 */
import { checkOptions, checkText } from '../engine/options-check.js';
import { ExactlyOnceError } from '../errors/exactly-once-error.js';
import { isOwnHeader } from '../event/cloud-event-headers.js';
import type { EventContext } from '../processing/event-context.js';

export interface PublishOptions {
  /** Instead of the type's key; `null` publishes without one. */
  readonly key?: string | null;
  /** Instead of the type's topic. */
  readonly topic?: string;
  /**
   * The user's own headers, and CloudEvents extension attributes (`ce_…`), for example those of a received event.
   * Names that the event sets itself (`ce_id`, `ce_type`, …, `content-type`) are refused, in whatever case.
   */
  readonly headers?: Readonly<Record<string, string>>;
  /** Not before this time. Default: at once. */
  readonly deliverAt?: Date;
  /** An id of the caller's own; it must be stable over retries. Default: derived in handlers, else UUIDv7. */
  readonly id?: string;
  /**
   * Which event causes this one: required in batch handlers, one of the contexts that the call was given. The id is
   * derived from it, as a handler of single events would do. Not outside of handlers.
   */
  readonly causedBy?: EventContext;
}

const known = ['key', 'topic', 'headers', 'deliverAt', 'id', 'causedBy'];

/** Throws EO_OPTION_UNKNOWN, EO_OPTION_INVALID. */
export function checkPublishOptions(options: PublishOptions): void {
  checkOptions('publish', options, known);
  const { topic, deliverAt, id } = options;
  checkText('topic of a publication', topic);
  if (id !== undefined && typeof id !== 'string')
    throw invalid(`the id of an event is ${typeof id}, not text`);
  if (deliverAt === undefined) return;
  if (!(deliverAt instanceof Date) || Number.isNaN(deliverAt.getTime())) {
    throw invalid(`deliverAt is ${String(deliverAt)}, not a valid Date`);
  }
}

/** Throws EO_OPTION_INVALID unless `key` is text or `null`. */
export function checkKey(key: unknown): void {
  if (key === null || typeof key === 'string') return;
  throw invalid(`the key of an event is ${typeof key}, neither text nor null`);
}

/** A copy without prototype. Throws EO_OPTION_INVALID. */
export function checkHeaders(
  given: Readonly<Record<string, string>> | undefined,
): Readonly<Record<string, string>> {
  const headers: Record<string, string> = Object.create(null);
  for (const [name, value] of Object.entries(given ?? {})) {
    if (isOwnHeader(name)) throw invalid(`header "${name}" is set by the event itself`);
    if (typeof value !== 'string') throw invalid(`header "${name}" is ${typeof value}, not text`);
    headers[name] = value;
  }
  return headers;
}

function invalid(what: string): ExactlyOnceError {
  return new ExactlyOnceError('EO_OPTION_INVALID', what);
}
