/**
 * Records and events for the conformance suites, and the short way to a committed transaction.
 *
 * Says nothing about any adapter.
 */
import type { BeginOptions, EventEnvelope, InboxRecord, Storage, Transaction } from '@exactly-once/core';

export const options: BeginOptions = { idleTimeoutMs: 10_000, statementTimeoutMs: 10_000, shared: true };

/** Runs work in a transaction and commits it. */
export async function committed<T>(
  storage: Storage,
  work: (transaction: Transaction) => Promise<T>,
): Promise<T> {
  const transaction = await storage.begin(options);
  const result = await work(transaction);
  await transaction.seal();
  await transaction.commit();
  return result;
}

/** An inbox record that is known by its name. */
export function record(name: string, body = 'body'): InboxRecord {
  return { key: Buffer.from(name.padEnd(24)), handlerId: 1, fingerprint: Buffer.from(body.padEnd(16)) };
}

/** An event that waits for publication. */
export function event(id: string): EventEnvelope {
  return {
    id,
    source: 's',
    type: 't',
    version: 1,
    topic: 'topic',
    key: 'k',
    timeMs: 1_700_000_000_000,
    contentType: 'application/json',
    headers: Object.create(null),
    traceparent: null,
    tracestate: null,
    body: Buffer.from('{}'),
  };
}
