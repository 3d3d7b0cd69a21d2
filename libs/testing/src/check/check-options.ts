/**
 * What a user can say about a check: what it is not to look at, and how its events come.
 *
 * Read before anything runs; an entry that cannot be understood is refused, so that none is without effect by mistake.
 */
import { checkOptions, ExactlyOnceError } from '@exactly-once/core';
import type { DeliveryOptions } from '../application/test-event.js';
import type { Ignored } from './difference.js';

export interface CheckOptions {
  /**
   * What is not compared: a field of an event, `payment.captured: data.paymentId`, or a column, `payment: note`; with all
   * that is inside of it. Or calls to another system that may be made again, `POST https://metrics.example`: all that
   * begin so.
   */
  readonly ignore?: readonly string[];
  /** How each event is delivered: its id, key, source and headers. Default: with a new id, and its type's key. */
  readonly delivery?: (event: object, index: number) => DeliveryOptions;
}

export interface Ignoring {
  readonly fields: Ignored;
  /** Beginnings of their targets. */
  readonly calls: readonly string[];
}

const known = ['ignore', 'delivery'];
const call = /^[A-Z]+ \S+$/;
const field = /^(\S.*): (\S+)$/;

/** Throws EO_OPTION_UNKNOWN, EO_OPTION_INVALID. */
export function ignoringOf(options: CheckOptions): Ignoring {
  checkOptions('checkExactlyOnce()', options, known);
  const { ignore = [] } = options;
  const fields = new Map<string, Set<string>>();
  for (const entry of ignore.filter((one) => !call.test(one))) {
    const [, of, name] = field.exec(entry) ?? [];
    if (of === undefined || name === undefined) throw notUnderstood(entry);
    fields.set(of, (fields.get(of) ?? new Set()).add(name));
  }
  return { fields, calls: ignore.filter((one) => call.test(one)) };
}

function notUnderstood(entry: string): ExactlyOnceError {
  const what = `checkExactlyOnce(): \`ignore\` holds "${entry}"; it takes "type: field", "table: column" and "METHOD url"`;
  return new ExactlyOnceError('EO_OPTION_INVALID', what);
}
