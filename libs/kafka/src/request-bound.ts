/**
 * How large a request to the broker may be. Step 2 of an event's life.
 *
 * A broker (`socket.request.max.bytes`), or something before it, closes the connection on a request above its bound
 * and says nothing. Where requests are closed again and again although the broker answers, smaller ones are tried;
 * an event is blamed only when it was alone, is larger than all that has passed, and others can still pass.
 */
import type { ClientMessage } from './kafka-client.js';

/** Of Kafka's `socket.request.max.bytes`. */
export const defaultMaxRequestBytes = 104_857_600;

/** What stands in a request but for its messages: client id, transactional id, counts. */
const requestBytes = 1_024;

/** What a message adds beside its own bytes: lengths, and a batch and a partition of its own at the worst. */
const messageOverhead = 128;
const headerOverhead = 10;

/** Requests are not made smaller than that, and no smaller event is blamed: no broker's bound is below it. */
const leastBytes = 65_536;

/** Closed connections, each with an answer of the broker after it, that are no accident. */
const enough = 3;

/** Something that is sent, and what it adds to a request at most. */
interface Sized {
  readonly bytes: number;
}

export interface Blamable extends Sized {
  readonly event: { readonly id: string };
}

export function messageBytes(topic: string, { key, value, headers }: ClientMessage): number {
  let bytes = messageOverhead + Buffer.byteLength(topic) + (key?.length ?? 0) + (value?.length ?? 0);
  for (const name in headers) {
    const header = headers[name]!;
    bytes += headerOverhead + Buffer.byteLength(name);
    bytes += typeof header === 'string' ? Buffer.byteLength(header) : header.length;
  }
  return bytes;
}

export class RequestBound {
  readonly #mostBytes: number;
  #bytes: number;
  /** The smallest of the requests that were closed of late, and how many they were. */
  #closed = { bytes: Number.POSITIVE_INFINITY, times: 0 };
  #accused: { id: string; times: number } | null = null;
  #passedBytes = 0;
  /** Whether anything has passed since an event was blamed. */
  #others = true;

  constructor(mostBytes: number) {
    this.#mostBytes = mostBytes;
    this.#bytes = mostBytes;
  }

  /** Why this can never be sent; `null` where it can be tried. */
  refusal({ bytes }: Sized): string | null {
    const whole = bytes + requestBytes;
    if (whole <= this.#mostBytes) return null;
    return `REQUEST_TOO_LARGE: ${whole} bytes with headers; producer.maxRequestBytes is ${this.#mostBytes}, as the broker's socket.request.max.bytes`;
  }

  /** In the order given, in requests within the bound; what exceeds it alone is a request of its own. */
  split<T extends Sized>(items: readonly T[]): T[][] {
    const requests: T[][] = [];
    let bytes = Number.POSITIVE_INFINITY;
    for (const item of items) {
      bytes += item.bytes;
      if (bytes > this.#bytes) {
        requests.push([]);
        bytes = requestBytes + item.bytes;
      }
      requests.at(-1)!.push(item);
    }
    return requests;
  }

  /** A request was acknowledged. */
  passed(items: readonly Sized[]): void {
    const bytes = sum(items);
    this.#passedBytes = Math.max(this.#passedBytes, bytes);
    this.#others = true;
    if (bytes >= this.#closed.bytes) this.#closed = { bytes: Number.POSITIVE_INFINITY, times: 0 };
  }

  /**
   * A request was closed without an answer, and the broker answers. Why its one event can never be sent, once that is
   * certain; `null` where it is to be tried again, maybe in smaller requests.
   */
  closed(items: readonly Blamable[]): string | null {
    const bytes = sum(items);
    if (items.length === 1) return this.#accuse(items[0]!, bytes);
    this.#closed = { bytes: Math.min(bytes, this.#closed.bytes), times: this.#closed.times + 1 };
    if (this.#closed.times >= enough) this.#bytes = Math.max(leastBytes, Math.floor(bytes / 2));
    return null;
  }

  /** Whether their size can be why a request with them was closed, and smaller ones may tell. */
  mayExplain(items: readonly Sized[]): boolean {
    return items.length === 1 ? this.#mayBlame(sum(items)) : sum(items) > leastBytes;
  }

  #mayBlame(bytes: number): boolean {
    return this.#others && bytes > Math.max(this.#passedBytes, leastBytes);
  }

  #accuse({ event: { id } }: Blamable, bytes: number): string | null {
    const times = this.#accused?.id === id ? this.#accused.times + 1 : 1;
    this.#accused = { id, times };
    if (times < enough || !this.#mayBlame(bytes)) return null;
    this.#accused = null;
    this.#others = false;
    return `CONNECTION_CLOSED: the broker closed the connection ${times} times when it was sent this event alone (${bytes} bytes), and answers otherwise; compare its socket.request.max.bytes with producer.maxRequestBytes`;
  }
}

function sum(items: readonly Sized[]): number {
  return items.reduce((bytes, item) => bytes + item.bytes, requestBytes);
}
