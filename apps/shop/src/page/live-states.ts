/**
 * The state as it changes, for everyone who watches: server-sent events, at most four a second.
 *
 * A client that does not read gets nothing more until it has read; what it then gets is the newest state, so that
 * nothing piles up for it. One that takes nothing for half a minute is let go.
 */
import type { ServerResponse } from 'node:http';
import type { ShowSource } from './show-state.js';

/** How often and how long; all in milliseconds. */
export interface LiveTiming {
  /** Least time between two states, default 250. */
  readonly intervalMs: number;
  /** Time between two signs of life, default 10,000. */
  readonly heartbeatMs: number;
  /** How long a client may take nothing before it is let go, default 30,000; looked at with each heartbeat. */
  readonly patienceMs: number;
}

const usualTiming: LiveTiming = { intervalMs: 250, heartbeatMs: 10_000, patienceMs: 30_000 };
const maxWatchers = 100;

interface Watcher {
  readonly response: ServerResponse;
  /** The version of the state that it was sent last, -1 before the first. */
  version: number;
  /** When it stopped reading, null while it reads. */
  stuckSinceMs: number | null;
}

/** Those who watch one source. */
export class LiveStates {
  readonly #source: ShowSource;
  readonly #timing: LiveTiming;
  readonly #watchers = new Set<Watcher>();
  readonly #unsubscribe: () => void;
  readonly #heartbeat: NodeJS.Timeout;
  /** Counts the source's changes. */
  #version = 0;
  #latest = { version: -1, readAtMs: Number.NEGATIVE_INFINITY, text: '' };
  #timer: NodeJS.Timeout | null = null;

  constructor(source: ShowSource, timing: LiveTiming = usualTiming) {
    this.#source = source;
    this.#timing = timing;
    this.#unsubscribe = source.subscribe(() => {
      this.#version++;
      this.#schedule();
    });
    this.#heartbeat = setInterval(() => this.#beat(), timing.heartbeatMs).unref();
  }

  /** Sends the state at once, then each change, until the client goes. Beyond 100 clients it answers 503. */
  add(response: ServerResponse): void {
    if (this.#watchers.size >= maxWatchers) {
      response.writeHead(503, { 'Retry-After': '5' }).end();
      return;
    }
    const watcher: Watcher = { response, version: -1, stuckSinceMs: null };
    this.#watchers.add(watcher);
    response.on('close', () => this.#watchers.delete(watcher));
    response.on('error', () => response.destroy());
    response.on('drain', () => {
      watcher.stuckSinceMs = null;
      if (watcher.version !== this.#version) this.#schedule();
    });
    response.socket?.setNoDelay(true);
    response.socket?.setKeepAlive(true, this.#timing.heartbeatMs);
    response.writeHead(200, { 'Content-Type': 'text/event-stream; charset=utf-8' });
    if (performance.now() - this.#latest.readAtMs >= this.#timing.intervalMs) this.#read();
    this.#send(watcher);
    if (watcher.version !== this.#version) this.#schedule();
  }

  /** Ends every stream. Nothing is sent afterwards. */
  close(): void {
    this.#unsubscribe();
    clearInterval(this.#heartbeat);
    if (this.#timer !== null) clearTimeout(this.#timer);
    for (const { response } of this.#watchers) response.end();
    this.#watchers.clear();
  }

  #schedule(): void {
    if (this.#timer !== null || this.#watchers.size === 0) return;
    const dueMs = Math.max(0, this.#latest.readAtMs + this.#timing.intervalMs - performance.now());
    this.#timer = setTimeout(() => {
      this.#timer = null;
      this.#read();
      for (const watcher of this.#watchers) this.#send(watcher);
    }, dueMs);
  }

  #read(): void {
    const version = this.#version;
    const text = `data: ${JSON.stringify(this.#source.state())}\n\n`;
    this.#latest = { version, readAtMs: performance.now(), text };
  }

  #send(watcher: Watcher): void {
    if (watcher.stuckSinceMs !== null || watcher.version === this.#latest.version) return;
    watcher.version = this.#latest.version;
    write(watcher, this.#latest.text);
  }

  /** A comment keeps proxies from hanging up, and makes a connection show that it is dead. */
  #beat(): void {
    for (const watcher of this.#watchers) {
      if (watcher.stuckSinceMs === null) write(watcher, ': heartbeat\n\n');
      else if (performance.now() - watcher.stuckSinceMs > this.#timing.patienceMs) watcher.response.destroy();
    }
  }
}

function write(watcher: Watcher, text: string): void {
  if (!watcher.response.write(text)) watcher.stuckSinceMs ??= performance.now();
}
