/**
 * Columns of outbox rows, to and from events. Between steps 1 and 2 of an event's life.
 *
 * Text that a user chooses is kept as bytes of UTF-8: PostgreSQL's own refuses NUL. Nothing is folded or trimmed.
 */
import { type EventEnvelope, keyHash, type OutboxRow, type WrittenEntry } from '@exactly-once/core';

/** The columns of one event, in the order of `appendOneSql`. */
export function rowParameters({ event, deliverAtMs }: WrittenEntry): unknown[] {
  return [
    keyHash(event.key, event.id),
    event.topic,
    event.key === null ? null : Buffer.from(event.key),
    event.type,
    event.version,
    event.source,
    Buffer.from(event.id),
    event.timeMs,
    Buffer.from(JSON.stringify(Object.entries(event.headers))),
    event.contentType,
    event.body === null ? null : Buffer.from(event.body),
    event.traceparent,
    event.tracestate,
    deliverAtMs,
  ];
}

/** One array for each of these columns; at least one event. */
export function appendParameters(entries: readonly WrittenEntry[]): unknown[][] {
  const rows = entries.map(rowParameters);
  return rows[0]!.map((_, column) => rows.map((row) => row[column]));
}

/** A row of `claimSql`. */
export function outboxRow(row: Record<string, unknown>): OutboxRow {
  const event: EventEnvelope = {
    id: columnText(row['id']),
    source: row['source'] as string,
    type: row['type'] as string,
    version: row['version'] as number,
    topic: row['topic'] as string,
    key: row['key'] === null ? null : columnText(row['key']),
    timeMs: row['time_ms'] === null ? null : Number(row['time_ms']),
    contentType: row['content_type'] as string,
    headers: headersOf(columnText(row['headers'])),
    traceparent: row['traceparent'] as string | null,
    tracestate: row['tracestate'] as string | null,
    body: row['body'] as Buffer | null,
  };
  return { position: BigInt(row['position'] as string), event, known: row['known'] === true };
}

/** What is listed of a row of the outbox, or of its archive. */
export function rowHead(row: Readonly<Record<string, unknown>>) {
  return {
    position: BigInt(row['position'] as string),
    topic: row['topic'] as string,
    key: row['key'] === null ? null : columnText(row['key']),
    type: row['type'] as string,
    source: row['source'] as string,
    id: columnText(row['id']),
  };
}

/** A column of bytes that holds text. */
export function columnText(bytes: unknown): string {
  return (bytes as Buffer).toString('utf8');
}

/** What PostgreSQL's text takes: NUL is written out. */
export function storableText(text: string): string {
  return text.replaceAll('\u0000', '\\u0000');
}

/** Without a prototype, so that a header may be named like one of its members. */
function headersOf(json: string): Record<string, string> {
  const headers: Record<string, string> = Object.create(null);
  for (const [name, value] of JSON.parse(json) as [string, string][]) headers[name] = value;
  return headers;
}
