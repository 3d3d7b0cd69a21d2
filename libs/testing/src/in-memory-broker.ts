/**
 * A broker without a server: one partition a topic, deliveries in order, redelivery of what was not done.
 *
 * Acknowledges nothing by itself: its position is the fence's, in the storage.
 */
import {
  type Broker,
  type ConsumerHealth,
  type ConsumerRequest,
  type Delivery,
  type EventConsumer,
  type EventEnvelope,
  errorChain,
  type FenceClaim,
  hasCode,
  type Publisher,
  writeHeaders,
} from '@exactly-once/core';

export interface InMemoryMessage {
  readonly key?: string | null;
  readonly headers?: Readonly<Record<string, string | Uint8Array>>;
  readonly body: string | Uint8Array | null;
}

export class InMemoryBroker implements Broker {
  readonly name = 'memory';
  readonly sessionTimeoutMs = 10_000;
  readonly #topics = new Map<string, Delivery[]>();
  readonly #consumers = new Set<InMemoryConsumer>();

  bind(): void {}

  /** What stands on a topic, in order. */
  topic(name: string): readonly Delivery[] {
    return this.#log(name);
  }

  /** Puts messages onto a topic, as another producer would. */
  append(topic: string, ...messages: readonly InMemoryMessage[]): void {
    const log = this.#log(topic);
    for (const { key = null, headers = {}, body } of messages) {
      const bytes: Record<string, Uint8Array> = Object.create(null);
      for (const [name, value] of Object.entries(headers)) bytes[name] = Buffer.from(value as string);
      log.push({
        topic,
        partition: 0,
        offset: BigInt(log.length),
        key: key === null ? null : Buffer.from(key),
        headers: bytes,
        body: body === null ? null : Buffer.from(body as string),
        timestampMs: 0,
      });
    }
    for (const consumer of this.#consumers) consumer.wake();
  }

  publisher(): Publisher {
    return {
      start: async () => {},
      stop: async () => {},
      send: async (events: readonly EventEnvelope[]) => {
        for (const event of events) {
          this.append(event.topic, { key: event.key, headers: writeHeaders(event), body: event.body });
        }
        return events.map(() => ({ status: 'sent' as const }));
      },
    };
  }

  consumer(request: ConsumerRequest): EventConsumer {
    const consumer = new InMemoryConsumer(request, (topic) => this.#log(topic));
    this.#consumers.add(consumer);
    return consumer;
  }

  async ping(): Promise<void> {}

  async close(): Promise<void> {}

  #log(topic: string): Delivery[] {
    const log = this.#topics.get(topic) ?? [];
    this.#topics.set(topic, log);
    return log;
  }
}

class InMemoryConsumer implements EventConsumer {
  readonly #draining = new AbortController();
  readonly #aborted = new AbortController();
  readonly #wakers = new Set<() => void>();
  #running: Promise<void>[] = [];
  #trouble: string | null = null;

  constructor(
    readonly request: ConsumerRequest,
    readonly log: (topic: string) => readonly Delivery[],
  ) {}

  wake(): void {
    for (const waker of this.#wakers) waker();
  }

  async start(): Promise<void> {
    this.#running = this.request.topics.map(({ topic }) => this.#work(topic));
  }

  async stop(graceMs: number): Promise<void> {
    this.#draining.abort();
    this.wake();
    const timer = setTimeout(() => this.#aborted.abort(), graceMs);
    await Promise.all(this.#running);
    clearTimeout(timer);
  }

  health(): ConsumerHealth {
    return this.#trouble === null ? { status: 'up' } : { status: 'down', reason: this.#trouble };
  }

  async #woken(): Promise<void> {
    let waker: () => void = () => {};
    await new Promise<void>((resolve) => {
      waker = resolve;
      this.#wakers.add(waker);
    });
    this.#wakers.delete(waker);
  }

  async #work(topic: string): Promise<void> {
    const { storage, group } = this.request;
    const key = { group, topic, partition: 0 };
    const owner = crypto.randomUUID();
    while (!this.#draining.signal.aborted) {
      const { nextOffset, lastFingerprint } = await storage.fences.claim(key, owner, 0n);
      try {
        await this.#consume(topic, { key, owner, nextOffset, lastFingerprint });
        await storage.fences.release(key, owner);
      } catch (error) {
        if (hasCode(error, 'EO_FENCED')) continue;
        this.#trouble = errorChain(error).join(' <- ');
        return;
      }
    }
  }

  async #consume(topic: string, fence: FenceClaim): Promise<void> {
    while (!this.#draining.signal.aborted) {
      const deliveries = this.log(topic).filter(({ offset }) => offset >= fence.nextOffset);
      if (deliveries.length === 0) {
        await this.#woken();
        continue;
      }
      const [draining, aborted] = [this.#draining.signal, this.#aborted.signal];
      await this.request.sink.process(deliveries, { fence, draining, aborted, done: () => {} });
    }
  }
}
