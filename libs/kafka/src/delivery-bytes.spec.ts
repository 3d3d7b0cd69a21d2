import type { Delivery } from '@exactly-once/core';
import { describe, expect, it } from '@jest/globals';
import { deliveryBytes } from './delivery-bytes.js';

const delivery = (headers: Record<string, Uint8Array>): Delivery => ({
  topic: 't',
  partition: 0,
  offset: 0n,
  key: Buffer.from('key'),
  headers,
  body: Buffer.from('body'),
  timestampMs: 0,
});

describe('deliveryBytes', () => {
  it('counts key and body', () => {
    expect(deliveryBytes(delivery({}))).toBe(7);
  });

  it('counts what a header holds in memory beside its bytes: ten thousand small ones are no small record', () => {
    const names = Array.from({ length: 10_000 }, (_, index) => `h${index}`);

    const bytes = deliveryBytes(delivery(Object.fromEntries(names.map((name) => [name, Buffer.from('v')]))));

    expect(bytes).toBeGreaterThan(1_500_000);
  });
});
