/**
 * What the handlers of a run have written down about their calls.
 */
import type { Stage } from './stage.js';

/** How often each message met this act. */
export function callsOf(stage: Stage, act: string): Map<string, number> {
  const calls = new Map<string, number>();
  for (const line of stage.evidence()) {
    if (line.kind === 'act' && line.act === act) calls.set(line.message, (calls.get(line.message) ?? 0) + 1);
  }
  return calls;
}
