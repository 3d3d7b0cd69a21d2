/**
 * The consumer of the in-memory broker: hands on what its fence says is next, topic by topic.
 *
 * Passes nothing by: it claims again where it was fenced or the storage was away, and stops at EO_STOPPED.
 */
import {
  type Clock,
  type ConsumerHealth,
  type ConsumerRequest,
  type Delivery,
  type EventConsumer,
  errorChain,
  type FenceClaim,
  hasCode,
} from '@exactly-once/core';

/** Milliseconds before a topic is claimed again. */
const retryMs = 1_000;

export class InMemoryConsumer implements EventConsumer {
  readonly #draining = new AbortController();
  readonly #aborted = new AbortController();
  readonly #wakers = new Set<() => void>();
  /** By topic: offset after the last record that is acknowledged. */
  readonly #acknowledged = new Map<string, bigint>();
  #running: Promise<void>[] = [];
  #trouble: string | null = null;

  constructor(
    readonly request: ConsumerRequest,
    readonly clock: Clock,
    readonly log: (topic: string) => readonly Delivery[],
  ) {}

  wake(): void {
    for (const waker of this.#wakers) waker();
  }

  async start(signal: AbortSignal): Promise<void> {
    if (signal.aborted || this.#draining.signal.aborted) return;
    this.#running = this.request.topics.map(({ topic, startFrom }) =>
      this.#work(topic, startFrom === 'earliest' ? 0n : BigInt(this.log(topic).length)),
    );
  }

  async stop(graceMs: number): Promise<void> {
    this.#draining.abort();
    this.wake();
    const stopTimer = this.clock.timer(graceMs, () => this.#aborted.abort());
    await Promise.all(this.#running);
    stopTimer();
  }

  health(): ConsumerHealth {
    if (this.#trouble !== null) return { status: 'down', reason: this.#trouble };
    const lags = [...this.#acknowledged].map(([topic, next]) => this.log(topic).length - Number(next));
    return { status: 'up', lag: lags.reduce((sum, lag) => sum + lag, 0) };
  }

  async #woken(): Promise<void> {
    let waker: () => void = () => {};
    await new Promise<void>((resolve) => {
      waker = resolve;
      this.#wakers.add(waker);
    });
    this.#wakers.delete(waker);
  }

  async #work(topic: string, startOffset: bigint): Promise<void> {
    const owner = crypto.randomUUID();
    while (!this.#draining.signal.aborted) {
      try {
        await this.#own(topic, owner, startOffset);
      } catch (error) {
        if (hasCode(error, 'EO_FENCED')) continue;
        this.#trouble = errorChain(error).join(' <- ');
        if (hasCode(error, 'EO_STOPPED')) return;
        await this.clock.sleep(retryMs, this.#draining.signal);
      }
    }
  }

  async #own(topic: string, owner: string, startOffset: bigint): Promise<void> {
    const { storage, group } = this.request;
    const key = { group, topic, partition: 0 };
    const found = await storage.fences.claim(key, owner, startOffset);
    const { nextOffset, lastFingerprint } = found;
    this.#trouble = null;
    this.#acknowledged.set(topic, nextOffset);
    await this.#consume(topic, { key, owner, nextOffset, lastFingerprint, found });
    await storage.fences.release(key, owner);
  }

  async #consume(topic: string, fence: FenceClaim): Promise<void> {
    const [draining, aborted] = [this.#draining.signal, this.#aborted.signal];
    while (!draining.aborted) {
      const deliveries = this.log(topic).filter(({ offset }) => offset >= fence.nextOffset);
      if (deliveries.length === 0) {
        await this.#woken();
        continue;
      }
      const done = (count: number) => {
        const last = deliveries[count - 1];
        if (last !== undefined) this.#acknowledged.set(topic, last.offset + 1n);
      };
      await this.request.sink.process(deliveries, { fence, draining, aborted, done });
    }
  }
}
