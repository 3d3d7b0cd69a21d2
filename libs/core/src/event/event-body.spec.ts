import { describe, expect, it } from '@jest/globals';
import { ExactlyOnceError } from '../errors/exactly-once-error.js';
import { decodeBody } from './event-body.js';
import { jsonCodec } from './event-codec.js';
import type { EventEnvelope } from './event-envelope.js';
import type { EventTypeDescriptor } from './event-type.js';

const envelope = (body: string | Uint8Array | null, version = 1): EventEnvelope => ({
  id: '1',
  source: 's',
  type: 't',
  version,
  topic: 't',
  key: null,
  timeMs: null,
  contentType: 'application/json',
  headers: {},
  traceparent: null,
  tracestate: null,
  body: body === null ? null : Buffer.from(body as string),
});
const type = (change: Partial<EventTypeDescriptor> = {}): EventTypeDescriptor => ({
  type: 't',
  topic: 't',
  version: 1,
  ...change,
});

function rejection(call: () => unknown): unknown {
  try {
    call();
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
}

describe('decodeBody', () => {
  it.each([
    ['truncated JSON', '{"a":'],
    ['no UTF-8', Uint8Array.of(0x22, 0xff, 0x22)],
    ['nothing', ''],
    ['a tombstone', null],
  ])('refuses %s as EO_BODY_INVALID', async (_, body) => {
    expect(rejection(() => decodeBody(envelope(body), jsonCodec, type()))).toMatchObject({
      code: 'EO_BODY_INVALID',
    });
    const slow = { ...jsonCodec, decode: async (bytes: Uint8Array) => jsonCodec.decode(bytes, '', '') };
    await expect((async () => decodeBody(envelope(body), slow, type()))()).rejects.toMatchObject({
      code: 'EO_BODY_INVALID',
    });
  });

  it("lets the codec's own word stand: a registry that is away is no invalid body", async () => {
    const away = new ExactlyOnceError('EO_BROKER_UNAVAILABLE', 'the registry is away');
    const codec = { ...jsonCodec, decode: () => Promise.reject(away) };

    await expect(decodeBody(envelope('{}'), codec, type())).rejects.toBe(away);
  });

  it('drops __proto__ keys at every depth', async () => {
    const data = (await decodeBody(
      envelope('{"__proto__":{"admin":true},"a":{"__proto__":{"admin":true},"b":1}}'),
      jsonCodec,
      type(),
    )) as { a: object };

    expect(Object.keys(data)).toEqual(['a']);
    expect(Object.keys(data.a)).toEqual(['b']);
    expect((Object.assign({}, data) as { admin?: boolean }).admin).toBeUndefined();
  });

  it('applies upcasters one after another', async () => {
    const upcasters = {
      1: (data: unknown) => ({ cents: (data as { euros: number }).euros * 100 }),
      2: (data: unknown) => ({ ...(data as object), currency: 'EUR' }),
    };

    const data = await decodeBody(envelope('{"euros":3}'), jsonCodec, type({ version: 3, upcasters }));

    expect(data).toEqual({ cents: 300, currency: 'EUR' });
  });

  it.each([
    ['newer than the code', 4],
    ['without an upcaster', 1],
  ])('refuses a version that is %s', async (_, version) => {
    const descriptor = type({ version: 3, upcasters: { 2: (data) => data } });

    expect(rejection(() => decodeBody(envelope('{}', version), jsonCodec, descriptor))).toMatchObject({
      code: 'EO_VERSION_UNKNOWN',
    });
  });
});
