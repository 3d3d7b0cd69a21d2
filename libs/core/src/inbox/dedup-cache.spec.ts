import { describe, expect, it } from '@jest/globals';
import { DedupCache } from './dedup-cache.js';

const bytes = (text: string) => Buffer.from(text);

describe('DedupCache', () => {
  it('knows what it saw committed, with that very body', () => {
    const cache = new DedupCache(2);
    cache.remember(bytes('a'), bytes('1'));

    expect(cache.has(bytes('a'), bytes('1'))).toBe(true);
    expect(cache.has(bytes('a'), bytes('2'))).toBe(false);
    expect(cache.has(bytes('b'), bytes('1'))).toBe(false);
  });

  it('forgets the oldest beyond its size, and everything at size 0', () => {
    const cache = new DedupCache(1);
    cache.remember(bytes('a'), bytes('1'));
    cache.remember(bytes('b'), bytes('1'));
    const none = new DedupCache(0);
    none.remember(bytes('a'), bytes('1'));

    expect(cache.has(bytes('a'), bytes('1'))).toBe(false);
    expect(none.has(bytes('a'), bytes('1'))).toBe(false);
  });
});
