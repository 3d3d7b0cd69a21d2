/**
 * Checks the options of `@IdempotentHandler` when its class is loaded.
 * What would be ignored is refused, so that nobody relies on it.
 */
import { checkChoice, checkNumber, checkOptions, ExactlyOnceError } from '@exactly-once/core';
import type { IdempotentHandlerOptions } from './handler-mark.js';

const knownOptions = [
  'name',
  'topic',
  'startFrom',
  'commit',
  'timeoutMs',
  'retry',
  'renamedFrom',
  'new',
  'concurrency',
  'batch',
  'transaction',
  'dedup',
  'order',
];

/** Nest's own server decides about these where the handler is bare. */
const consumerOptions = ['topic', 'startFrom', 'concurrency', 'transaction'];

/** Throws EO_OPTION_UNKNOWN and EO_OPTION_INVALID; the engine checks the rest. */
export function checkHandlerOptions(options: IdempotentHandlerOptions): void {
  checkOptions('@IdempotentHandler', options, knownOptions);
  checkChoice('startFrom of @IdempotentHandler', options.startFrom, ['earliest', 'latest']);
  checkNumber('batch of @IdempotentHandler', options.batch, 1, 10_000);
  if (options.batch !== undefined && options.commit === 'event') {
    throw invalid(
      "`batch` and `commit: 'event'`: a transaction for each event leaves no batch; leave one out",
    );
  }
  checkChoice('transaction of @IdempotentHandler', options.transaction, ['database', 'kafka']);
  checkNumber('concurrency of @IdempotentHandler', options.concurrency, 1, 1_000);
  checkChoice('order of @IdempotentHandler', options.order, ['key', 'partition', 'none']);
}

/** Throws EO_OPTION_INVALID. */
export function checkBareOptions(options: IdempotentHandlerOptions): void {
  if ('batch' in options) {
    const what =
      "`batch`: Nest's own servers bring one message at a time and acknowledge each; give the event's type";
    throw invalid(`${what}, so that exactlyOnce() consumes it`);
  }
  if (options.dedup === 'offset') {
    const what =
      "`dedup: 'offset'`: the position is the transport's and moves apart from the handler's transaction";
    throw invalid(`${what}; give the event's type, so that exactlyOnce() consumes it`);
  }
  if (options.order === 'key' || options.order === 'none') {
    const what = `\`order: '${options.order}'\`: Nest's own servers wait for each message`;
    throw invalid(`${what}; give the event's type, so that exactlyOnce() consumes it`);
  }
  for (const name of consumerOptions) {
    if (!(name in options)) continue;
    throw invalid(`\`${name}\` is set where Nest's own server is, not at the bare form`);
  }
}

function invalid(what: string): ExactlyOnceError {
  return new ExactlyOnceError('EO_OPTION_INVALID', `@IdempotentHandler: ${what}`);
}
