/**
 * Acknowledges to the broker what is committed in the database, one request at a time, the newest position of each
 * partition. Step 7 of an event's life. A failure only means redelivery.
 */
import { errorChain, type Logger } from '@exactly-once/core';
import type { Consumer } from 'kafkajs';

export interface PartitionOffset {
  readonly topic: string;
  readonly partition: number;
  readonly next: bigint;
}

/** Milliseconds between two requests. */
const intervalMs = 100;

export class OffsetCommitter {
  readonly #consumer: Consumer;
  readonly #logger: Logger;
  readonly #pending = new Map<string, PartitionOffset>();
  #running: Promise<void> | null = null;
  #flushing = false;
  #endPause: () => void = () => {};

  constructor(consumer: Consumer, logger: Logger) {
    this.#consumer = consumer;
    this.#logger = logger;
  }

  add(name: string, offset: PartitionOffset): void {
    this.#pending.set(name, offset);
    this.#running ??= this.#run();
  }

  /** Forgets a partition that went elsewhere: its new owner commits. */
  forget(name: string): void {
    this.#pending.delete(name);
  }

  /** Sends what is left without waiting, and resolves when the broker has answered. */
  async flushed(): Promise<void> {
    this.#flushing = true;
    this.#endPause();
    await this.#running;
  }

  /** The position that counts stands in the database: a request for each small batch would be wasted. */
  async #pause(): Promise<void> {
    if (this.#flushing) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, intervalMs);
      this.#endPause = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  async #run(): Promise<void> {
    while (this.#pending.size > 0) {
      await this.#pause();
      const offsets = [...this.#pending.values()];
      this.#pending.clear();
      try {
        await this.#consumer.commitOffsets(
          offsets.map(({ topic, partition, next }) => ({ topic, partition, offset: String(next) })),
        );
      } catch (error) {
        this.#logger.warn(
          `offsets were not committed, records will come again: ${errorChain(error).join(' <- ')}`,
        );
      }
    }
    this.#running = null;
  }
}
