import { createHash } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { v7, validate, version } from 'uuid';
import {
  assertValidId,
  bodyFingerprint,
  derivedEventId,
  idTimeMs,
  inboxKey,
  keyHash,
  maxIdBytes,
} from './event-id.js';

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

describe('assertValidId', () => {
  it.each([
    ['missing', null],
    ['empty', ''],
    ['a lone surrogate', 'a\ud800b'],
    ['longer than the bound', 'x'.repeat(maxIdBytes + 1)],
    ['longer than the bound in bytes only', 'é'.repeat(maxIdBytes / 2 + 1)],
  ])('refuses an id that is %s', (_, id) => {
    expect(() => assertValidId(id)).toThrow(expect.objectContaining({ code: 'EO_ID_INVALID' }));
  });

  it.each([' ', 'a\u0000b', "'; DROP TABLE eo_inbox; --", '__proto__', 'x'.repeat(maxIdBytes)])(
    'accepts %j',
    (id) => {
      expect(() => assertValidId(id)).not.toThrow();
    },
  );
});

describe('inboxKey', () => {
  it('keeps ids apart that a database collation would merge', () => {
    const ids = ['Abc', 'aBC', 'abc', 'e', 'é', 'e\u0301', 'x', 'x ', 'x\u00a0', 'a\u0000', 'a', '１', '1'];

    const keys = new Set(ids.map((id) => hex(inboxKey('h', 1, 's', id))));

    expect(keys.size).toBe(ids.length);
  });

  it('does not let handler, source and id flow into each other', () => {
    const triples: [string, string, string][] = [
      ['ab', 'c', 'd'],
      ['a', 'bc', 'd'],
      ['a', 'b', 'cd'],
      ['', 'abc', 'd'],
    ];

    const keys = new Set(triples.map(([handler, source, id]) => hex(inboxKey(handler, 1, source, id))));

    expect(keys.size).toBe(triples.length);
  });

  it('differs by generation, so that a rewind can run everything again', () => {
    expect(hex(inboxKey('h', 2, 's', 'i'))).not.toBe(hex(inboxKey('h', 1, 's', 'i')));
  });

  it('begins with the time of a UUIDv7 and of a ULID, so that the index grows at its end', () => {
    const early = '01890a5d-ac96-774b-bcce-b302099a8057';
    const ulid = '01H45MKHRR0000000000000000';

    expect(Buffer.from(inboxKey('h', 1, 's', early)).readBigUInt64BE()).toBe(0x01890a5dac96n);
    expect(Buffer.from(inboxKey('h', 1, 's', ulid)).readBigUInt64BE()).toBe(BigInt(idTimeMs(ulid)!));
    expect(Buffer.from(inboxKey('h', 1, 's', 'order-1')).readBigUInt64BE()).toBe(0n);
  });

  it('has 24 bytes', () => {
    expect(inboxKey('h', 1, 's', v7())).toHaveLength(24);
  });
});

describe('idTimeMs', () => {
  it('reads the milliseconds of a ULID', () => {
    expect(idTimeMs('01ARZ3NDEKTSV4RRFFQ69G5FAV')).toBe(1469922850259);
  });

  it('answers null for what carries no time', () => {
    expect(idTimeMs('7d444840-9dc0-11d1-b245-5ffdce74fad2')).toBeNull();
    expect(idTimeMs('order-1')).toBeNull();
  });
});

describe('derivedEventId', () => {
  const base = {
    handlerIdentity: 'payments/PaymentHandlers.capture',
    generation: 1,
    source: 'orders',
    id: '01890a5d-ac96-774b-bcce-b302099a8057',
    timeMs: 1_700_000_000_000,
    type: 'payment.captured',
    key: 'order-1',
    ordinal: 0,
  };

  it('is a UUIDv8 that carries the time of the source event', () => {
    const id = derivedEventId(base);

    expect(validate(id)).toBe(true);
    expect(version(id)).toBe(8);
    expect(idTimeMs(id)).toBe(base.timeMs);
  });

  it('is the same for a repeated run', () => {
    expect(derivedEventId({ ...base })).toBe(derivedEventId(base));
  });

  it.each([
    ['handler', { handlerIdentity: 'other' }],
    ['generation', { generation: 2 }],
    ['source', { source: 'shop' }],
    ['id', { id: 'another' }],
    ['type', { type: 'payment.refused' }],
    ['key', { key: null }],
    ['ordinal', { ordinal: 1 }],
  ])('differs by %s', (_, change) => {
    expect(derivedEventId({ ...base, ...change })).not.toBe(derivedEventId(base));
  });

  it('tells a missing key from one that reads like it', () => {
    expect(derivedEventId({ ...base, key: null })).not.toBe(derivedEventId({ ...base, key: 'none' }));
  });
});

describe('bodyFingerprint', () => {
  it.each([0, 200, 16_384, 16_385, 100_000])('of %s bytes is the start of one SHA-256', (size) => {
    const body = Buffer.alloc(size, 'x');
    const whole = createHash('sha256')
      .update(Buffer.concat([body, Buffer.of(0)]))
      .digest('hex');

    expect(hex(bodyFingerprint(body))).toBe(whole.slice(0, 32));
  });

  it('tells a tombstone from an empty body and from its own name', () => {
    const prints = [null, new Uint8Array(), Buffer.from('tombstone')].map((body) =>
      hex(bodyFingerprint(body)),
    );

    expect(new Set(prints).size).toBe(3);
  });
});

describe('keyHash', () => {
  it('is a signed 32-bit number that depends on the key alone where there is one', () => {
    const hash = keyHash('order-1', 'a');

    expect(hash).toBe(keyHash('order-1', 'b'));
    expect(hash).toBe(hash | 0);
    expect(keyHash(null, 'a')).not.toBe(keyHash(null, 'b'));
  });
});
