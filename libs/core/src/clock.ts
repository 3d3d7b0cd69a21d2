/** Time, so that tests can hold it. Product code never calls `Date.now` or `setTimeout` beside this. */
import { setTimeout as delay } from 'node:timers/promises';

/** The longest that a timer of Node can be set to, in milliseconds: a longer time is none at all. */
export const longestTimerMs = 2_147_483_647;

export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Resolves after `ms` milliseconds or as soon as `signal` aborts; never rejects. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** Calls `action` after `ms` milliseconds unless the returned function is called before. */
  timer(ms: number, action: () => void): () => void;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  async sleep(ms, signal) {
    try {
      await delay(ms, undefined, signal ? { signal } : undefined);
    } catch (error) {
      if (!signal?.aborted) throw error;
    }
  },
  timer(ms, action) {
    const handle = setTimeout(action, ms);
    return () => clearTimeout(handle);
  },
};
