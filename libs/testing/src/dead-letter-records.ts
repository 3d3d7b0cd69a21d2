/**
 * Dead letters for the conformance suites, of handlers that are there or not.
 *
 * Says nothing about any adapter.
 */
import assert from 'node:assert/strict';
import type { DeadLetter, ParkScope, Storage } from '@exactly-once/core';
import { committed } from './conformance-records.js';

/** A handler of its own for each test, whose letters can be replayed. */
export async function handlerOf(storage: Storage, name = 'h'): Promise<number> {
  const [known] = await storage.handlers.register(`service of ${name}`, [{ name }], () => undefined);
  return known!.id;
}

export function letter(handlerId: number | null, id: string, given: Partial<DeadLetter> = {}): DeadLetter {
  return {
    handler: 'h',
    topic: 't',
    partition: 0,
    offset: 7n,
    key: Buffer.from('k'),
    eventId: id,
    source: 's',
    type: 'order.placed',
    headers: { ce_id: id },
    body: Buffer.from('{}'),
    code: 'EO_HANDLER_FAILED',
    errorChain: ['Error: outer', 'Error: inner'],
    attempts: 5,
    firstAttemptAtMs: 1_700_000_000_123,
    serviceVersion: '1.2.3',
    target: handlerId === null ? null : targetOf(handlerId, id),
    redacted: false,
    replayOf: null,
    ...given,
  };
}

export function targetOf(handlerId: number, id: string, key = 'k') {
  const keyHash = Buffer.from(key.padEnd(32));
  return { handlerId, keyHash, inboxKey: Buffer.from(id.padEnd(24)), timestampMs: 1_700_000_000_000 };
}

/** Writes letters; their ids. */
export async function buried(storage: Storage, ...letters: DeadLetter[]): Promise<bigint[]> {
  await committed(storage, async (transaction) => {
    for (const one of letters) await storage.deadLetters.insert(transaction, one);
  });
  const heads = await storage.deadLetters.list({}, 1_000);
  const ids = heads.map(({ id }) => id).sort((one, other) => (one < other ? -1 : 1));
  return ids.slice(-letters.length);
}

/** With bytes as text, so that a Buffer and a Uint8Array are the same. */
export function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex');
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, plain(one)]));
}

export function scopeOf(handlerId: number, key = 'k'): ParkScope {
  return { handlerId, topic: 't', keyHash: Buffer.from(key.padEnd(32)) };
}

/** Takes out all that is parked in a scope. */
export async function taken(storage: Storage, scope: ParkScope) {
  const entries = [];
  for (;;) {
    const entry = await committed(storage, async (transaction) => {
      const first = await storage.parked.take(transaction, scope);
      assert.notEqual(first, 'busy');
      if (first === null || first === 'busy' || first === 'empty') return null;
      await storage.parked.settle(transaction, first, 0);
      return first;
    });
    if (entry === null) return entries;
    entries.push(entry);
  }
}

export const names = (entries: readonly { readonly inboxKey: Uint8Array }[]) =>
  entries.map(({ inboxKey }) => Buffer.from(inboxKey).toString().trim());
