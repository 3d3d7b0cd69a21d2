/**
 * Columns of outbox rows, to and from events. Between steps 1 and 2 of an event's life.
 *
 * Text that a user chooses is kept as bytes of UTF-8: PostgreSQL's own refuses NUL. Nothing is folded or trimmed.
 */
import { type EventEnvelope, keyHash, type OutboxRow, type WrittenEntry } from '@exactly-once/core';

/** One array for each column, in the order of `appendSql`. */
export function appendParameters(entries: readonly WrittenEntry[]): unknown[][] {
  const events = entries.map((entry) => entry.event);
  return [
    events.map((event) => keyHash(event.key, event.id)),
    events.map((event) => event.topic),
    events.map((event) => (event.key === null ? null : Buffer.from(event.key))),
    events.map((event) => event.type),
    events.map((event) => event.version),
    events.map((event) => event.source),
    events.map((event) => Buffer.from(event.id)),
    events.map((event) => event.timeMs),
    events.map((event) => Buffer.from(JSON.stringify(Object.entries(event.headers)))),
    events.map((event) => event.contentType),
    events.map((event) => (event.body === null ? null : Buffer.from(event.body))),
    events.map((event) => event.traceparent),
    events.map((event) => event.tracestate),
    entries.map((entry) => entry.deliverAtMs),
  ];
}

/** A row of `claimSql`. */
export function outboxRow(row: Record<string, unknown>): OutboxRow {
  const event: EventEnvelope = {
    id: text(row['id']),
    source: row['source'] as string,
    type: row['type'] as string,
    version: row['version'] as number,
    topic: row['topic'] as string,
    key: row['key'] === null ? null : text(row['key']),
    timeMs: row['time_ms'] === null ? null : Number(row['time_ms']),
    contentType: row['content_type'] as string,
    headers: headersOf(text(row['headers'])),
    traceparent: row['traceparent'] as string | null,
    tracestate: row['tracestate'] as string | null,
    body: row['body'] as Buffer | null,
  };
  return { position: BigInt(row['position'] as string), event };
}

function text(bytes: unknown): string {
  return (bytes as Buffer).toString('utf8');
}

/** Without a prototype, so that a header may be named like one of its members. */
function headersOf(json: string): Record<string, string> {
  const headers: Record<string, string> = Object.create(null);
  for (const [name, value] of JSON.parse(json) as [string, string][]) headers[name] = value;
  return headers;
}
