/**
 * Receives the states from the server, and connects again whenever the connection is gone.
 * Does not leave that to the browser: some give up for good when a server is away for a moment.
 */
import type { ShowState } from '../show-state.js';

const firstWaitMs = 500;
const longestWaitMs = 4_000;

export interface LiveWatcher {
  state(state: ShowState): void;
  /** Called at each attempt that failed, too. */
  lost(): void;
}

/** Runs until the page is left. */
export function watchLive(watcher: LiveWatcher, waitMs = firstWaitMs): void {
  const source = new EventSource('/api/live');
  let ownWaitMs = waitMs;
  source.addEventListener('message', ({ data }: MessageEvent<string>) => {
    ownWaitMs = firstWaitMs;
    watcher.state(JSON.parse(data) as ShowState);
  });
  source.addEventListener('error', () => {
    source.close();
    watcher.lost();
    setTimeout(() => watchLive(watcher, Math.min(ownWaitMs * 2, longestWaitMs)), ownWaitMs);
  });
}
