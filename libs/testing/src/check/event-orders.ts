/**
 * Orders in which a check delivers the events beside the one that it was given: events of one key stay in their own.
 *
 * Pure.
 */
import type { TestEvent } from '../application/test-event.js';

/** Keys in the reverse order, the events of each in their own; `null` where that is the same. */
export function reordered(events: readonly TestEvent[]): TestEvent[] | null {
  const keys = byKey(events);
  return keys.length < 2 ? null : keys.reverse().flat();
}

/** The first of one key beside the first of another one, and so on; `null` where there is but one key. */
export function inPairs(events: readonly TestEvent[]): TestEvent[][] | null {
  const waiting = byKey(events);
  if (waiting.length < 2) return null;
  const pairs: TestEvent[][] = [];
  while (waiting.length > 0) {
    const longest = [...waiting].sort((one, other) => other.length - one.length).slice(0, 2);
    pairs.push(longest.map((ofKey) => ofKey.shift()!));
    waiting.splice(0, waiting.length, ...waiting.filter((ofKey) => ofKey.length > 0));
  }
  return pairs;
}

function byKey(events: readonly TestEvent[]): TestEvent[][] {
  const keys = new Map<string, TestEvent[]>();
  for (const [index, event] of events.entries()) {
    const key = String(event.message.key ?? `\0${index}`);
    keys.set(key, [...(keys.get(key) ?? []), event]);
  }
  return [...keys.values()];
}
