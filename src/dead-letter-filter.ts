/**
 * Which dead letters an operator means: by their ids, by what they are, or all of them. Shared by what lists them and by
 * what decides about them.
 */
import { type DeadLetterFilter, ExactlyOnceError } from '@exactly-once/core';
import type { Command } from 'commander';
import { time } from './words.js';

export interface FilterOptions {
  readonly handler?: string;
  readonly type?: string;
  readonly topic?: string;
  readonly key?: string;
  readonly code?: string;
  readonly error?: string;
  readonly from?: number;
  readonly to?: number;
}

/** Adds the words of a filter. */
export function filtered(command: Command): Command {
  return command
    .option('--handler <name>', 'only of a handler')
    .option('--type <type>', 'only of an event type')
    .option('--topic <topic>', 'only of a topic')
    .option('--key <key>', 'only of a key')
    .option('--code <code>', 'only those that died of an error, as EO_HANDLER_FAILED')
    .option('--error <text>', 'only those with this text in the message of the error or one of its causes')
    .option(
      '--from <time>',
      'only those that died then or later: by ISO 8601, or 24h for that long ago',
      time,
    )
    .option('--to <time>', 'only those that died before', time);
}

export function filterOf(options: FilterOptions): DeadLetterFilter {
  const { handler, type, topic, key, code, error, from, to } = options;
  return {
    ...(handler !== undefined && { handler }),
    ...(type !== undefined && { type }),
    ...(topic !== undefined && { topic }),
    ...(key !== undefined && { key }),
    ...(code !== undefined && { code }),
    ...(error !== undefined && { error }),
    ...(from !== undefined && { fromMs: from }),
    ...(to !== undefined && { toMs: to }),
  };
}

/** What is to be decided about. Throws EO_OPTION_MISSING unless it is said in one way: ids, a filter, or --all. */
export function chosen(
  what: string,
  ids: readonly bigint[],
  options: FilterOptions & { readonly all?: boolean },
): DeadLetterFilter {
  const filter = filterOf(options);
  const ways = [ids.length > 0, Object.keys(filter).length > 0, options.all === true];
  if (ways.filter(Boolean).length !== 1) {
    throw new ExactlyOnceError(
      'EO_OPTION_MISSING',
      `dead-letters ${what} needs either ids, a filter, or --all`,
    );
  }
  return ids.length > 0 ? { ids } : filter;
}
