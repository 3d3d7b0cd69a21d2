import { describe, expect, it } from '@jest/globals';
import type { Delivery } from '../broker/delivery.js';
import { readHeaders, writeHeaders } from './cloud-event-headers.js';
import type { EventEnvelope } from './event-envelope.js';

const event: EventEnvelope = {
  id: '01890a5d-ac96-774b-bcce-b302099a8057',
  source: 'orders',
  type: 'order.placed',
  version: 2,
  topic: 'orders',
  key: 'order-1',
  timeMs: 1_700_000_000_123,
  contentType: 'application/json',
  headers: { tenant: 'a', "x'; DROP TABLE t; --": 'ü' },
  traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
  tracestate: 'vendor=1',
  body: Buffer.from('{}'),
};

function deliver(headers: Record<string, string | Uint8Array>, change: Partial<Delivery> = {}): Delivery {
  const bytes: Record<string, Uint8Array> = Object.create(null);
  for (const [name, value] of Object.entries(headers)) bytes[name] = Buffer.from(value as string);
  const key = Buffer.from('order-1');
  const body = Buffer.from('{}');
  return { topic: 'orders', partition: 0, offset: 7n, key, headers: bytes, body, timestampMs: 1, ...change };
}

const minimal = { ce_specversion: '1.0', ce_id: '1', ce_source: 's', ce_type: 't' };

describe('CloudEvents headers', () => {
  it('reads back what it wrote', () => {
    const read = readHeaders(deliver(writeHeaders(event)));

    expect({ ...read, headers: { ...read.headers } }).toEqual(event);
  });

  it('does not let a user header replace an attribute', () => {
    const headers = writeHeaders({ ...event, headers: { ce_id: 'forged', 'content-type': 'text/plain' } });

    expect(headers['ce_id']).toBe(event.id);
    expect(headers['content-type']).toBe('application/json');
  });

  it('keeps a header named __proto__ as a header', () => {
    const hostile = Object.create(null) as Record<string, string>;
    hostile['__proto__'] = 'polluted';

    const read = readHeaders(deliver(writeHeaders({ ...event, headers: hostile })));

    expect(Object.keys(read.headers)).toEqual(['__proto__']);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });

  it('takes the least that CloudEvents asks for', () => {
    const read = readHeaders(deliver(minimal));

    expect(read).toMatchObject({
      id: '1',
      source: 's',
      type: 't',
      version: 1,
      timeMs: null,
      traceparent: null,
    });
  });

  it.each(['ce_source', 'ce_type', 'ce_specversion'])('refuses a message without %s', (name) => {
    const { [name as keyof typeof minimal]: _, ...rest } = minimal;

    expect(() => readHeaders(deliver(rest))).toThrow(
      expect.objectContaining({ code: 'EO_ENVELOPE_INVALID' }),
    );
  });

  it.each([
    ['ce_time', 'yesterday'],
    ['ce_dataversion', '0'],
    ['ce_dataversion', '1.5'],
    ['ce_specversion', '0.3'],
  ])('refuses %s: %s', (name, value) => {
    const delivery = deliver({ ...minimal, [name]: value });

    expect(() => readHeaders(delivery)).toThrow(expect.objectContaining({ code: 'EO_ENVELOPE_INVALID' }));
  });

  it('refuses an id that is not UTF-8 instead of merging it with another', () => {
    const delivery = deliver({ ...minimal, ce_id: Uint8Array.of(0x61, 0xed, 0xa0, 0x80) });

    expect(() => readHeaders(delivery)).toThrow(expect.objectContaining({ code: 'EO_ID_INVALID' }));
  });

  it('keeps keys apart that are not text', () => {
    const first = readHeaders(deliver(minimal, { key: Uint8Array.of(0xff) }));
    const second = readHeaders(deliver(minimal, { key: Uint8Array.of(0xfe) }));

    expect(first.key).not.toBe(second.key);
  });
});
