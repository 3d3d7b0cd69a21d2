/**
 * Produces messages to the log of the database broker with statements of its own, each attempt recorded before it and
 * completed after it.
 */
import { createHash } from 'node:crypto';
import pg from 'pg';
import { appendSql, lockEndsSql, moveEndSql } from '../broker/log.sql.js';
import type { Message } from '../record/message.js';
import { ownRecord, plannedMessages } from './produce.js';
import type { WorkerPlan } from './worker-plan.js';

interface End {
  readonly topic: string;
  readonly partition: number;
  next: bigint;
}

export async function appendAll(plan: WorkerPlan): Promise<void> {
  const client = new pg.Client({ connectionString: plan.databaseUrl });
  const record = ownRecord(plan);
  const messages = plannedMessages(plan);
  await client.connect();
  try {
    for (let from = 0; from < messages.length; from += plan.sendAtOnce) {
      const some = messages.slice(from, from + plan.sendAtOnce);
      const finish = some.map(({ attempt }) => record.begin(attempt));
      await appendTogether(client, some);
      for (const one of finish) one('ok');
    }
  } finally {
    await client.end();
  }
}

/** In one transaction: all of them or none. */
async function appendTogether(client: pg.Client, messages: readonly Message[]): Promise<void> {
  await client.query('BEGIN');
  const { rows } = await client.query(lockEndsSql, [[...new Set(messages.map(({ topic }) => topic))]]);
  const ends: End[] = rows.map((row) => ({ ...row, next: BigInt(row.next_offset) }));
  for (const message of messages) {
    const of = ends.filter(({ topic }) => topic === message.topic);
    const end = of.find(
      ({ partition }) => partition === (message.partition ?? partitionOf(message, of.length)),
    )!;
    const { topic, key, headers, body } = message;
    await client.query(appendSql, [
      ...[topic, end.partition, String(end.next)],
      ...[key === null ? null : Buffer.from(key), Buffer.from(JSON.stringify(headerPairs(headers)))],
      Buffer.from(body),
    ]);
    end.next++;
  }
  for (const { topic, partition, next } of ends)
    await client.query(moveEndSql, [topic, partition, String(next)]);
  await client.query('COMMIT');
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
