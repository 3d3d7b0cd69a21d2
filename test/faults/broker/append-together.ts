/**
 * Appends messages to the log of the database broker with statements of its own, as a producer of another make would.
 */
import { createHash } from 'node:crypto';
import type { Message } from '../record/message.js';
import { appendSql, lockEndsSql, moveEndSql } from './log.sql.js';

/** All on one connection. */
// biome-ignore lint/suspicious/noExplicitAny: rows have the shape of their statement
export type Statement = (sql: string, values?: unknown[]) => Promise<any[]>;

interface End {
  readonly topic: string;
  readonly partition: number;
  next: bigint;
}

/** In one transaction: all of them or none. */
export async function appendTogether(query: Statement, messages: readonly Message[]): Promise<void> {
  await query('BEGIN');
  const rows = await query(lockEndsSql, [[...new Set(messages.map(({ topic }) => topic))]]);
  const ends: End[] = rows.map(({ topic, partition, next_offset: next }) => ({
    topic,
    partition,
    next: BigInt(next),
  }));
  for (const message of messages) {
    const of = ends.filter(({ topic }) => topic === message.topic);
    const end = of.find(
      ({ partition }) => partition === (message.partition ?? partitionOf(message, of.length)),
    )!;
    const { topic, key, headers, body, tombstone } = message;
    await query(appendSql, [
      ...[topic, end.partition, String(end.next)],
      ...[key === null ? null : Buffer.from(key), Buffer.from(JSON.stringify(headerPairs(headers)))],
      tombstone ? null : Buffer.from(body),
    ]);
    end.next++;
  }
  for (const { topic, partition, next } of ends) await query(moveEndSql, [topic, partition, String(next)]);
  await query('COMMIT');
}

/** By a hash that is not the product's. */
function partitionOf({ key, id }: Message, partitions: number): number {
  const digest = createHash('md5')
    .update(key ?? id ?? '')
    .digest();
  return digest.readUInt32BE(0) % partitions;
}

/** Values in hexadecimal; those that are no text go as base64. */
function headerPairs(headers: Message['headers']): unknown[] {
  return Object.entries(headers).map(([name, hex]) => {
    const bytes = Buffer.from(hex, 'hex');
    const text = bytes.toString();
    return [name, Buffer.from(text).equals(bytes) ? text : { base64: bytes.toString('base64') }];
  });
}
