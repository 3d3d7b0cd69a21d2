/**
 * Deliveries of one partition that wait for their turn, in order, within bounds. What is being processed counts
 * until the next are taken: it is in memory all the same.
 */
import type { Delivery } from '@exactly-once/core';
import { deliveryBytes } from './delivery-bytes.js';
import type { MemoryBudget } from './memory-budget.js';

export interface QueueBounds {
  /** Deliveries that are taken at once. */
  readonly atOnce: number;
  /** Deliveries at which fetching pauses. */
  readonly events: number;
  /** Bytes at which fetching pauses. */
  readonly bytes: number;
  /** Shared by all queues of a consumer. */
  readonly budget: MemoryBudget;
}

export class PartitionQueue {
  #waiting: Delivery[] = [];
  #waitingBytes = 0;
  #takenBytes = 0;
  #taken = 0;
  #wake: (() => void) | null = null;
  #closed = false;
  #ending = false;

  constructor(readonly bounds: QueueBounds) {}

  /** True at a bound: pause. One fetch may overshoot it. */
  get full(): boolean {
    const { events, bytes, budget } = this.bounds;
    return this.#events >= events || this.#bytes >= bytes || budget.full;
  }

  /** True at half of its own bounds or below: resume. */
  get roomy(): boolean {
    const { events, bytes, budget } = this.bounds;
    return this.#events <= events / 2 && this.#bytes <= bytes / 2 && !budget.full;
  }

  push(deliveries: readonly Delivery[]): void {
    if (this.#closed || this.#ending) return;
    let bytes = 0;
    for (const delivery of deliveries) {
      this.#waiting.push(delivery);
      bytes += deliveryBytes(delivery);
    }
    this.#waitingBytes += bytes;
    this.bounds.budget.add(bytes);
    this.#wake?.();
  }

  /** Up to `most` deliveries as soon as there are any; none once it is closed or finished. Those taken before are done. */
  async take(most: number): Promise<Delivery[]> {
    this.done();
    while (this.#waiting.length === 0 && !this.#closed && !this.#ending) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      this.#wake = null;
    }
    const taken = this.#waiting.splice(0, most);
    for (const delivery of taken) this.#takenBytes += deliveryBytes(delivery);
    this.#waitingBytes -= this.#takenBytes;
    this.#taken = taken.length;
    return taken;
  }

  /** Takes nothing more: what waits is still given, then nothing. */
  finish(): void {
    this.#ending = true;
    this.#wake?.();
  }

  /** Nothing more will be given, after `finish`. */
  get finished(): boolean {
    return this.#ending && this.#events === 0;
  }

  /** Takes again, after `finish`. */
  reopen(): void {
    this.#ending = false;
  }

  /** What was taken is no longer in memory. */
  done(): void {
    this.bounds.budget.add(-this.#takenBytes);
    this.#takenBytes = 0;
    this.#taken = 0;
  }

  /** Forgets what waits: it was not acknowledged and will come again. */
  close(): void {
    this.#closed = true;
    this.bounds.budget.add(-this.#waitingBytes);
    this.#waiting = [];
    this.#waitingBytes = 0;
    this.#wake?.();
  }

  get #events(): number {
    return this.#waiting.length + this.#taken;
  }

  get #bytes(): number {
    return this.#waitingBytes + this.#takenBytes;
  }
}
