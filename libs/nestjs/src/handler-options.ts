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
];

/** Of the design, but not of this release: refused, so that nobody relies on them. */
const laterOptions: Readonly<Record<string, string>> = {
  batch: 'batch handlers',
  order: 'parked keys',
  dedup: 'deduplication by offset alone',
  transaction: 'Kafka transactions',
};

/** Nest's own server decides about these where the handler is bare. */
const consumerOptions = ['topic', 'startFrom', 'concurrency'];

/** Throws EO_OPTION_UNKNOWN and EO_OPTION_INVALID; the engine checks the rest. */
export function checkHandlerOptions(options: IdempotentHandlerOptions): void {
  for (const [name, what] of Object.entries(laterOptions)) {
    if (name in options) throw invalid(`\`${name}\` (${what}) is not part of this release`);
  }
  checkOptions('@IdempotentHandler', options, knownOptions);
  checkChoice('startFrom of @IdempotentHandler', options.startFrom, ['earliest', 'latest']);
  checkNumber('concurrency of @IdempotentHandler', options.concurrency, 1, 1_000);
}

/** Throws EO_OPTION_INVALID. */
export function checkBareOptions(options: IdempotentHandlerOptions): void {
  for (const name of consumerOptions) {
    if (!(name in options)) continue;
    throw invalid(`\`${name}\` is set where Nest's own server is, not at the bare form`);
  }
}

function invalid(what: string): ExactlyOnceError {
  return new ExactlyOnceError('EO_OPTION_INVALID', `@IdempotentHandler: ${what}`);
}
