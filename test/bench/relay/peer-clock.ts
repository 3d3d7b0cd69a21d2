/**
 * When the clock of a peer's relay starts: when it is to send the first event behind its warm-ups, which are audited, not
 * timed. Knows no database: a peer has a version of its own of the library that the others use.
 */

/** Events that stand in a peer's outbox before those that count. */
export const peerWarmUps = 200;

/** To be called before each event is sent. */
export function peerClock(): () => void {
  let before = 0;
  return () => {
    if (before++ === peerWarmUps) process.send?.(Date.now());
  };
}
