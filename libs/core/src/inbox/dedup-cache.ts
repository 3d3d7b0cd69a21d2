/**
 * Ids that this process saw committed. It may only skip work, never admit: "new" is the database's word alone.
 */
import { LRUCache } from 'lru-cache';

export class DedupCache {
  readonly #seen: LRUCache<string, string> | null;

  /** `size` ids at most, about 200 bytes each; 0 remembers nothing. */
  constructor(size: number) {
    this.#seen = size > 0 ? new LRUCache({ max: size }) : null;
  }

  /** True where this very event, with this body, was seen committed. */
  has(key: Uint8Array, fingerprint: Uint8Array): boolean {
    const seen = this.#seen?.get(text(key));
    return seen !== undefined && seen === text(fingerprint);
  }

  /** To be called after the commit, never before. */
  remember(key: Uint8Array, fingerprint: Uint8Array): void {
    if (this.#seen !== null) this.#seen.set(text(key), text(fingerprint));
  }
}

function text(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
}
