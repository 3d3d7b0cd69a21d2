/**
 * Columns of dead letters, to and from what core knows. Step 8 of an event's life.
 *
 * Must not fail for what an event contains: text that strangers choose is kept as bytes, and a letter reads back as it was.
 */
import type {
  DeadLetter,
  DeadLetterFilter,
  DeadLetterHead,
  ReplayTarget,
  StoredDeadLetter,
} from '@exactly-once/core';
import { columnText, storableText } from './outbox-rows.js';

/** In the order of `insertDeadLetterSql`. */
export function letterParameters(letter: DeadLetter): unknown[] {
  const { target } = letter;
  return [
    letter.handler,
    storableText(letter.topic),
    letter.partition,
    letter.offset === null ? null : String(letter.offset),
    bytes(letter.key),
    text(letter.eventId),
    text(letter.source),
    text(letter.type),
    Buffer.from(JSON.stringify(Object.entries(letter.headers))),
    bytes(letter.body),
    letter.code,
    letter.errorChain.map(storableText),
    letter.attempts,
    Math.trunc(letter.firstAttemptAtMs),
    letter.serviceVersion,
    target?.handlerId ?? null,
    bytes(target?.keyHash ?? null),
    bytes(target?.inboxKey ?? null),
    target === null ? null : Math.trunc(target.timestampMs),
    letter.redacted,
    letter.replayOf === null ? null : String(letter.replayOf),
  ];
}

/** How each word of a filter is compared. */
const filterValues: { [Word in keyof DeadLetterFilter]-?: (value: never) => unknown } = {
  ids: (ids: readonly bigint[]) => ids.map(String),
  handler: storableText,
  type: text,
  topic: storableText,
  key: text,
  code: storableText,
  error: storableText,
  fromMs: Math.trunc,
  toMs: Math.trunc,
  state: (state: string) => state,
};

/** The words that a filter says, with their values. */
export function filterParameters(filter: DeadLetterFilter): {
  words: (keyof DeadLetterFilter)[];
  values: unknown[];
} {
  const all = Object.keys(filterValues) as (keyof DeadLetterFilter)[];
  const words = all.filter((word) => filter[word] !== undefined);
  return { words, values: words.map((word) => filterValues[word](filter[word] as never)) };
}

export function letterHead(row: Record<string, unknown>): DeadLetterHead {
  return {
    id: BigInt(row['id'] as string),
    handler: row['handler'] as string | null,
    topic: row['topic'] as string,
    partition: row['partition'] as number | null,
    offset: position(row['offset']),
    key: row['key'] as Buffer | null,
    eventId: textOf(row['event_id']),
    source: textOf(row['source']),
    type: textOf(row['type']),
    code: row['code'] as string,
    error: (row['error'] as string | null) ?? '',
    attempts: row['attempts'] as number,
    firstAttemptAtMs: Number(row['first_attempt_ms']),
    deadAtMs: Number(row['dead_ms']),
    redacted: row['redacted'] as boolean,
    replayOf: position(row['replay_of']),
    editCount: row['edit_count'] as number,
    state: row['state'] as DeadLetterHead['state'],
    decidedBy: row['decided_by'] as string | null,
    decidedWhy: row['decided_why'] as string | null,
    decidedAtMs: row['decided_ms'] === null ? null : Number(row['decided_ms']),
  };
}

export function storedLetter(row: Record<string, unknown>): StoredDeadLetter {
  const times = row['edited_ms'] as string[];
  const authors = row['edited_by'] as string[];
  const bodies = row['edited_bodies'] as Buffer[];
  return {
    ...letterHead(row),
    headers: headersOf(row['headers']),
    body: row['body'] as Buffer | null,
    errorChain: row['error_chain'] as string[],
    serviceVersion: row['service_version'] as string | null,
    target: targetOf(row),
    edits: bodies.map((body, index) => ({ by: authors[index]!, atMs: Number(times[index]), body })),
  };
}

/** Without a prototype, so that a header may be named like one of its members. */
export function headersOf(json: unknown): Record<string, string> {
  const headers: Record<string, string> = Object.create(null);
  for (const [name, value] of JSON.parse(columnText(json)) as [string, string][]) headers[name] = value;
  return headers;
}

function targetOf(row: Record<string, unknown>): ReplayTarget | null {
  if (row['handler_id'] === null) return null;
  return {
    handlerId: row['handler_id'] as number,
    keyHash: row['key_hash'] as Buffer,
    inboxKey: row['inbox_key'] as Buffer,
    timestampMs: Number(row['timestamp_ms']),
  };
}

function bytes(value: Uint8Array | null): Buffer | null {
  return value === null ? null : Buffer.from(value);
}

function text(value: string | null): Buffer | null {
  return value === null ? null : Buffer.from(value);
}

function textOf(value: unknown): string | null {
  return value === null ? null : columnText(value);
}

function position(value: unknown): bigint | null {
  return value === null ? null : BigInt(value as string);
}
