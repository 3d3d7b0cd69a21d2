/**
 * What tells a partition's log from another one in its place: the last record that was taken, to be read once more.
 * Step 3 of an event's life.
 *
 * Neither kafkajs nor the offsets know that a topic was deleted and made again; the record at an offset does.
 */
import { bodyFingerprint, type Delivery } from '@exactly-once/core';
import type { StartPosition } from './start-position.js';

/** Milliseconds without fetching in which a topic may have been deleted and made again, unseen. */
const unseenMs = 200;

export class LastRecord {
  readonly #now: () => number;
  /** Not the delivery, which would keep all that was fetched with it. */
  #record: { readonly offset: bigint; readonly print: Uint8Array } | null = null;
  /** Since when nothing is fetched; `null` where it is. A worker begins paused, by whoever made it. */
  #pausedAtMs: number | null = 0;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** What stands before the position counts as taken. */
  begin({ offset, verify }: StartPosition): void {
    this.#record = verify === null ? null : { offset: offset - 1n, print: verify };
  }

  took(deliveries: readonly Delivery[]): void {
    const { offset, body } = deliveries.at(-1)!;
    this.#record = { offset, print: bodyFingerprint(body) };
  }

  /** False where it is paused already. */
  pause(): boolean {
    if (this.#pausedAtMs !== null) return false;
    this.#pausedAtMs = this.#now();
    return true;
  }

  get paused(): boolean {
    return this.#pausedAtMs !== null;
  }

  /** True where the log may have become another one since the pause began. */
  resume(): boolean {
    const unseen = this.#pausedAtMs !== null && this.#now() - this.#pausedAtMs >= unseenMs;
    this.#pausedAtMs = null;
    return unseen;
  }

  /** The position from which it is read again; `null` where there is none. */
  get position(): StartPosition | null {
    if (this.#record === null) return null;
    return { offset: this.#record.offset + 1n, verify: this.#record.print, newLog: false, notice: null };
  }
}

/** Whether the record that was read again is the one that stood there. */
export function isSame({ verify }: StartPosition, { body }: Delivery): boolean {
  return verify !== null && Buffer.compare(bodyFingerprint(body), verify) === 0;
}
