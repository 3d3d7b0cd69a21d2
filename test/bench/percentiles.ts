/** What is reported of lone events: how long most of them took. */

/** The first ones wait for connections and groups, and for code to be compiled: they are audited, but not timed. */
export const warmUps = 20;

/** Of all but the warm-ups, in the order in which they came. */
export function percentiles(tookMs: readonly number[]): { p50Ms: number; p99Ms: number } {
  const sorted = tookMs.slice(warmUps).sort((a, b) => a - b);
  return { p50Ms: quantile(sorted, 0.5), p99Ms: quantile(sorted, 0.99) };
}

/** Of sorted values: the smallest that is not below the share `q` of them. */
function quantile(sorted: readonly number[], q: number): number {
  return sorted[Math.max(Math.ceil(sorted.length * q) - 1, 0)] ?? Number.NaN;
}
