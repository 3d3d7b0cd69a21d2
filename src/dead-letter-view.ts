/**
 * Dead letters and dry runs as a person reads them.
 *
 * What strangers chose can neither break a row nor speak to the terminal.
 */
import type { DeadLetterHead, DryRun, ReplayOutcome, StoredDeadLetter } from '@exactly-once/core';
import { isoTime, textOf } from './output.js';
import { table, visible } from './plain-table.js';

export function letterTable(heads: readonly DeadLetterHead[]): string {
  return table(
    ['ID', 'DIED', 'HANDLER', 'TYPE', 'TOPIC', 'KEY', 'TRIES', 'CODE', 'STATE', 'ERROR'],
    heads.map((one) => [
      ...[
        one.id,
        isoTime(one.deadAtMs),
        one.handler ?? '-',
        one.type ?? '-',
        one.topic,
        textOf(one.key) ?? '-',
      ],
      ...[one.attempts, one.code, one.state, shortened(one.error)],
    ]),
  );
}

/** Everything of one, its body last. */
export function letterText(letter: StoredDeadLetter): string {
  const { id, state, decidedBy, decidedWhy, decidedAtMs, headers, errorChain, edits } = letter;
  const decided =
    decidedAtMs === null
      ? ''
      : `, by ${decidedBy} at ${isoTime(decidedAtMs)}${decidedWhy ? `: ${decidedWhy}` : ''}`;
  const rows: [string, unknown][] = [
    ['id', id],
    ['state', `${state}${decided}`],
    ['handler', letter.handler ?? '-'],
    ['event', `${letter.type ?? '-'} ${letter.eventId ?? '-'} from ${letter.source ?? '-'}`],
    ['place', `${letter.topic}/${letter.partition ?? '-'}@${letter.offset ?? '-'}`],
    ['key', textOf(letter.key) ?? '-'],
    ['tries', `${letter.attempts}, from ${isoTime(letter.firstAttemptAtMs)} to ${isoTime(letter.deadAtMs)}`],
    ['service', letter.serviceVersion ?? '-'],
    ...(letter.replayOf === null ? [] : [['replay of', letter.replayOf] as [string, unknown]]),
    ...(letter.redacted
      ? [['redacted', 'what came is not kept: edit it before a replay'] as [string, unknown]]
      : []),
    ['code', letter.code],
    ...errorChain.map((line, index): [string, unknown] => [index === 0 ? 'error' : 'caused by', line]),
    ...Object.entries(headers).map(([name, value]): [string, unknown] => [`header ${name}`, value]),
    ['body', textOf(letter.body) ?? '-'],
    ...edits.map(({ by, atMs, body }): [string, unknown] => [
      `edited by ${by} at ${isoTime(atMs)}`,
      textOf(body),
    ]),
  ];
  const names = rows.map(([name]) => visible(`${name}:`));
  const width = Math.min(24, Math.max(...names.map((name) => name.length)));
  return rows
    .map(([, value], index) => `${names[index]!.padEnd(width)} ${visible(String(value))}`)
    .join('\n');
}

/** Why a letter was not replayed. */
export const refusals: Readonly<Record<Exclude<ReplayOutcome, 'replayed'>, string>> = {
  'not-dead': 'not dead, or not any more',
  'no-handler': 'has no handler that can be given it: discard it, or publish the event anew',
  redacted: 'what came is not kept: give it a body with "dead-letters edit" first',
  'id-reused': 'its id belongs to another event, which was handled: publish it anew with an id of its own',
};

export function dryRunText(id: bigint, { failure, rows, published }: DryRun): string {
  if (failure !== null) return `${id} fails (${failure.code}):\n${indented(failure.errorChain)}`;
  const written =
    rows === null
      ? ['rows are not counted by this database']
      : rows.map(
          (one) => `${one.table}: ${one.inserted} inserted, ${one.updated} updated, ${one.deleted} deleted`,
        );
  const events = published.map(
    ({ topic, type, key, body }) =>
      `publishes ${type} to ${topic}, key ${key ?? '-'}: ${textOf(body) ?? '-'}`,
  );
  const lines = [...written, ...events];
  return `${id} succeeds:\n${indented(lines.length === 0 ? ['writes and publishes nothing'] : lines)}`;
}

function indented(lines: readonly string[]): string {
  return lines.map((line) => `  ${visible(line)}`).join('\n');
}

function shortened(text: string): string {
  return text.length > 80 ? `${text.slice(0, 79)}…` : text;
}
