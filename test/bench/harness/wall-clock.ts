/**
 * A clock that two processes of a machine agree on to a fraction of a millisecond: the wall's, with the resolution of the
 * monotonic one. A process's own origin was set when it started, and has drifted since.
 */

/** Milliseconds since the epoch; good for minutes. Takes a millisecond to be made. */
export function wallClock(): () => number {
  const before = Date.now();
  while (Date.now() === before); // its next tick is exact
  const originMs = Date.now() - performance.now();
  return () => originMs + performance.now();
}
