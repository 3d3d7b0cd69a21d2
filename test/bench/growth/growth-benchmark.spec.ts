import { describe, expect, it } from '@jest/globals';
import { perDecade } from './growth-benchmark.js';

describe('perDecade', () => {
  it('is the factor between sizes of which each is ten times the last', () => {
    expect(perDecade({ figures: { '@1000': 50_000, '@10000': 45_000, '@100000': 40_500 } })).toBe(0.9);
  });

  it('is the slope over all of them, not between the ends', () => {
    expect(perDecade({ figures: { '@1000': 100, '@10000': 80, '@100000': 100 } })).toBe(1);
  });

  it('is unknown of one size', () => {
    expect(perDecade({ figures: { '@1000': 50_000 } })).toBeNull();
  });
});
