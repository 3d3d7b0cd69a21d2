/**
 * Deliveries of one partition that wait for their turn, in order, within bounds.
 */
import type { Delivery } from '@exactly-once/core';
import { deliveryBytes } from './kafka-delivery.js';

export interface QueueBounds {
  /** Deliveries at which fetching pauses. */
  readonly events: number;
  /** Bytes at which fetching pauses. */
  readonly bytes: number;
}

export class PartitionQueue {
  #waiting: Delivery[] = [];
  #bytes = 0;
  #wake: (() => void) | null = null;
  #closed = false;

  constructor(readonly bounds: QueueBounds) {}

  /** True at the bound: pause. One fetch may overshoot it. */
  get full(): boolean {
    return this.#waiting.length >= this.bounds.events || this.#bytes >= this.bounds.bytes;
  }

  /** True at half the bound or below: resume. */
  get roomy(): boolean {
    return this.#waiting.length <= this.bounds.events / 2 && this.#bytes <= this.bounds.bytes / 2;
  }

  push(deliveries: readonly Delivery[]): void {
    if (this.#closed) return;
    for (const delivery of deliveries) {
      this.#waiting.push(delivery);
      this.#bytes += deliveryBytes(delivery);
    }
    this.#wake?.();
  }

  /** Up to `most` deliveries as soon as there are any; none once it is closed. */
  async take(most: number): Promise<Delivery[]> {
    while (this.#waiting.length === 0 && !this.#closed) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      this.#wake = null;
    }
    const taken = this.#waiting.splice(0, most);
    for (const delivery of taken) this.#bytes -= deliveryBytes(delivery);
    return taken;
  }

  /** Forgets what waits: it was not acknowledged and will come again. */
  close(): void {
    this.#closed = true;
    this.#waiting = [];
    this.#bytes = 0;
    this.#wake?.();
  }
}
