import { describe, expect, it } from '@jest/globals';
import { latencies, type Published } from './latency-run.js';

/** Orders 1 to 4, due every second, committed 2 ms later. */
const published: Published[] = [1, 2, 3, 4].map((number) => [number, number * 1_000, number * 1_000 + 2]);

describe('latencies', () => {
  it('counts from when an order was due, and from its commit, behind the warm-ups', () => {
    const handled = new Map([1, 2, 3, 4].map((number) => [number, number * 1_000 + 10 * number] as const));

    expect(latencies(published, handled, 1)).toEqual({
      figures: {
        p50Ms: 30,
        p99Ms: 40,
        p999Ms: 40,
        'p50Ms from commit': 28,
        'p99Ms from commit': 38,
        'p999Ms from commit': 38,
      },
      findings: [],
    });
  });

  it('finds the order that was not timed', () => {
    const handled = new Map([1, 2, 4].map((number) => [number, number * 1_000 + 5] as const));

    expect(latencies(published, handled, 1).findings).toEqual(['1 of 3 orders are not timed']);
  });

  it('needs no time of a warm-up', () => {
    const handled = new Map([2, 3, 4].map((number) => [number, number * 1_000 + 5] as const));

    expect(latencies(published, handled, 1).findings).toEqual([]);
  });
});
