/**
 * The part of the broker suite about what arrives: everything, as it was, in order, at every group.
 *
 * Says nothing about crashes.
 */
import assert from 'node:assert/strict';
import { readHeaders } from '@exactly-once/core';
import type { BrokerTests } from './broker-under-test.js';
import { eventOn, ground, numbered, send } from './sent-events.js';

export function describeDelivery(tests: BrokerTests): void {
  const { it } = tests;

  it('delivers what is sent, with key, headers and body as they were', () =>
    ground(tests, async ({ process, topic, group, eventually }) => {
      const headers: Record<string, string> = Object.create(null);
      Object.assign(headers, { note: 'ü\u0000', "'; DROP TABLE eo_log; --": '', empty: '' });
      Object.defineProperty(headers, '__proto__', { value: 'own', enumerable: true });
      const sent = eventOn(topic, "id'; --\u00e9", {
        key: 'k\u0000é',
        headers,
        body: Buffer.from([0, 255, 1]),
      });
      const reader = group();
      await reader.join(process);

      await send(process, [sent]);
      await eventually('it is delivered', () => reader.committed.length === 1);

      const [{ delivery }] = reader.committed as [(typeof reader.committed)[0]];
      assert.deepEqual([delivery.topic, Buffer.from(delivery.key!).toString()], [topic, 'k\u0000é']);
      assert.deepEqual(Buffer.from(delivery.body!), Buffer.from([0, 255, 1]));
      const read = readHeaders(delivery);
      assert.deepEqual(Object.entries(read.headers).sort(), Object.entries(headers).sort());
      assert.deepEqual([read.id, read.source, read.type], [sent.id, sent.source, sent.type]);
    }));

  it('delivers what a foreign producer puts: bytes that are no text, no key, no body', () =>
    ground(tests, async ({ under, process, topic, group, eventually }) => {
      const headers: Record<string, Uint8Array> = Object.create(null);
      headers['ce_id'] = Buffer.from([0xed, 0xa0, 0x80]);
      headers['__proto__'] = Buffer.from([0, 0xff]);
      const reader = group();
      await reader.join(process);

      await under.put(topic, { key: null, headers, body: null });
      await under.put(topic, { key: Buffer.from([0xff]), headers: {}, body: Buffer.alloc(0) });
      await eventually('both are delivered', () => reader.committed.length === 2);

      const bytes = (value: Uint8Array | null) => value && Buffer.from(value).toString('hex');
      const seen = reader.committed.map(({ delivery: { key, body, headers: given } }) => ({
        key: bytes(key),
        body: bytes(body),
        headers: Object.entries(given).map(([name, value]) => [name, bytes(value)]),
      }));
      seen.sort((one) => (one.key === null ? -1 : 1));
      assert.deepEqual(seen[0]!.headers.sort(), [
        ['__proto__', '00ff'],
        ['ce_id', 'eda080'],
      ]);
      assert.deepEqual([seen[0]!.body, seen[1]!.key, seen[1]!.body], [null, 'ff', '']);
    }));

  it('keeps the order of each key, and gives a partition ascending positions', () =>
    ground(tests, async ({ process, topic, group, eventually }) => {
      const events = Array.from({ length: 120 }, (_, index) =>
        eventOn(topic, `${index}`, { key: `key-${index % 7}` }),
      );
      const reader = group();
      await reader.join(process);

      for (let from = 0; from < events.length; from += 30) await send(process, events.slice(from, from + 30));
      await eventually('all are delivered', () => reader.committed.length >= events.length);

      const last = new Map<string, bigint>();
      const ascends = (slot: string, position: bigint) => {
        assert.ok(position > (last.get(slot) ?? -1n), `${slot}: ${position} after ${last.get(slot)}`);
        last.set(slot, position);
      };
      for (const { id, delivery } of reader.committed) {
        ascends(`key ${Buffer.from(delivery.key!)}`, BigInt(id));
        ascends(`partition ${delivery.partition}`, delivery.offset);
      }
      assert.equal(reader.committed.length, events.length);
    }));

  it('gives every group everything', () =>
    ground(tests, async ({ process, topic, group, eventually }) => {
      const groups = [group(), group()];
      await groups[0]!.join(process);
      await send(process, numbered(topic, 20));
      await eventually('the first group has all', () => groups[0]!.committed.length === 20);

      await groups[1]!.join(process);
      await eventually('the second group has all', () => groups[1]!.committed.length === 20);

      for (const { ids } of groups) assert.equal(new Set(ids).size, 20);
    }));

  it('delivers a body of 900,000 bytes beside small ones', () =>
    ground(tests, async ({ process, topic, group, eventually }) => {
      const body = Buffer.alloc(900_000, 'x');
      const reader = group();
      await reader.join(process);

      await send(process, [eventOn(topic, 'a'), eventOn(topic, 'large', { body }), eventOn(topic, 'b')]);
      await eventually('all are delivered', () => reader.committed.length === 3);

      const large = reader.committed.find(({ id }) => id === 'large');
      assert.equal(Buffer.compare(Buffer.from(large!.delivery.body!), body), 0);
    }));
}
