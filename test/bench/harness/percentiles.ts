/** What is reported of events one by one: how long most of them took, and how long nearly all. */

/** The first ones wait for connections and groups, and for code to be compiled: they are audited, but not timed. */
export const warmUps = 20;

/** Of all but the warm-ups, in the order in which they came. */
export function percentiles(tookMs: readonly number[]): { p50Ms: number; p99Ms: number } {
  const [p50Ms, p99Ms] = quantiles(tookMs.slice(warmUps), [0.5, 0.99]);
  return { p50Ms: p50Ms!, p99Ms: p99Ms! };
}

/** For each share the smallest value that is not below that share of them; NaN of none. */
export function quantiles(values: readonly number[], shares: readonly number[]): number[] {
  const sorted = values.toSorted((a, b) => a - b);
  return shares.map((share) => sorted[Math.max(Math.ceil(sorted.length * share) - 1, 0)] ?? Number.NaN);
}
