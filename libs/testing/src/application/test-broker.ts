/**
 * The broker of a test: hands messages to the module's handlers and says when they are done with them.
 *
 * In memory, one partition a topic. What waits in its place, because its handler's events keep the order of a partition
 * or the database is away, is told as such, so that no test waits for ever.
 */
import {
  AmbientValue,
  type Broker,
  type BrokerContext,
  type Clock,
  type ConsumerRequest,
  type DeliverySink,
  type EventConsumer,
  hasCode,
  type Publisher,
  type Storage,
} from '@exactly-once/core';
import { InMemoryBroker, type InMemoryMessage } from '../in-memory-broker.js';
import { replacing, surrounded } from '../watching/surround.js';

/** `acknowledged`; or the consumer waits that long, or has stopped for good. */
export type Standing = 'acknowledged' | { readonly waitsMs: number } | { readonly stopped: unknown };

interface Waiter {
  readonly topic: string;
  readonly offset: bigint;
  readonly resolve: (standing: Standing) => void;
}

export class TestBroker implements Broker {
  readonly name = 'memory';
  readonly sessionTimeoutMs = 10_000;
  readonly #log = new InMemoryBroker();
  readonly #consumed = new Set<string>();
  /** By topic: offset after the last record that is acknowledged. */
  readonly #done = new Map<string, bigint>();
  readonly #waiters = new Set<Waiter>();
  /** By topic: why it does not go on now. */
  readonly #held = new Map<string, Standing>();
  readonly #processing = new AmbientValue<string>();

  bind(context: BrokerContext): void {
    this.#log.bind(context);
  }

  /** Time as the module's engine has it: a wait while an event is processed is told to whoever waits for the event. */
  clockOn(clock: Clock): Clock {
    return {
      now: () => clock.now(),
      timer: (ms, action) => clock.timer(ms, action),
      sleep: async (ms, signal) => {
        const topic = this.#processing.current();
        if (ms <= 0 || topic === undefined) return clock.sleep(ms, signal);
        const standing = { waitsMs: ms };
        this.#tell(topic, standing);
        await clock.sleep(ms, signal);
        if (this.#held.get(topic) === standing) this.#held.delete(topic);
      },
    };
  }

  consumes(topic: string): boolean {
    return this.#consumed.has(topic);
  }

  get topics(): readonly string[] {
    return [...this.#consumed];
  }

  /** Resolves when the consumer is done with them, or cannot go on. */
  async deliver(topic: string, ...messages: readonly InMemoryMessage[]): Promise<Standing> {
    this.#log.append(topic, ...messages);
    return this.standing(topic);
  }

  /** Of all that stands on the topic. */
  standing(topic: string): Promise<Standing> {
    const offset = BigInt(this.#log.topic(topic).length) - 1n;
    if ((this.#done.get(topic) ?? 0n) > offset || !this.consumes(topic))
      return Promise.resolve('acknowledged');
    const held = this.#held.get(topic);
    if (held !== undefined) return Promise.resolve(held);
    return new Promise((resolve) => {
      this.#waiters.add({ topic, offset, resolve });
    });
  }

  append(topic: string, message: InMemoryMessage): void {
    this.#log.append(topic, message);
  }

  publisher(): Publisher {
    return this.#log.publisher();
  }

  consumer(request: ConsumerRequest): EventConsumer {
    for (const { topic } of request.topics) this.#consumed.add(topic);
    this.#held.clear();
    const { sink, storage } = request;
    return this.#log.consumer({ ...request, sink: this.#watched(sink), storage: this.#withClaims(storage) });
  }

  async ping(): Promise<void> {}

  async close(): Promise<void> {}

  /** What the fence has passed is done, though the process that did it has not said so. */
  #withClaims(storage: Storage): Storage {
    const fences = replacing(storage.fences, {
      claim: (claim) => async (key, owner, startOffset) => {
        const row = await claim(key, owner, startOffset);
        this.#acknowledge(key.topic, row.nextOffset - 1n);
        return row;
      },
    });
    return surrounded(storage, (name, member) => (name === 'fences' ? fences : member));
  }

  #watched(sink: DeliverySink): DeliverySink {
    return {
      process: async (deliveries, session) => {
        const { topic } = deliveries[0]!;
        const done = (count: number) => {
          session.done(count);
          const last = deliveries[count - 1];
          if (last !== undefined) this.#acknowledge(last.topic, last.offset);
        };
        try {
          await this.#processing.run(topic, () => sink.process(deliveries, { ...session, done }));
        } catch (error) {
          if (hasCode(error, 'EO_STOPPED')) this.#tell(topic, { stopped: error });
          throw error;
        }
      },
    };
  }

  #acknowledge(topic: string, offset: bigint): void {
    const before = this.#done.get(topic) ?? 0n;
    if (offset >= before) this.#done.set(topic, offset + 1n);
    for (const waiter of this.#waiters) {
      if (waiter.topic === topic && waiter.offset <= offset) this.#resolve(waiter, 'acknowledged');
    }
  }

  #tell(topic: string, standing: Standing): void {
    this.#held.set(topic, standing);
    for (const waiter of this.#waiters) if (waiter.topic === topic) this.#resolve(waiter, standing);
  }

  #resolve(waiter: Waiter, standing: Standing): void {
    this.#waiters.delete(waiter);
    waiter.resolve(standing);
  }
}
