/**
 * A bad network between outbox and handlers: every event comes in copies, some of them much later, and events of
 * different orders overtake one another. What a producer's retries and a rebalance do to a topic, all the time.
 *
 * Never loses an event and never reorders the first copies of one order: the relay promises that much.
 */
import type { Broker, EventEnvelope, Publisher, SendOutcome } from '@exactly-once/core';
import type { Chance } from './chance.js';

/** Copies that a single send may bring along. */
const copiesAtOnce = 200;
/** Milliseconds after which copies that no send took along come by themselves. */
const lateMs = 100;

export class Flood {
  #late: EventEnvelope[] = [];
  /** Ids that have had their copies: one that is published again gets no more of them. */
  readonly #copied = new Set<string>();
  #sending: Promise<unknown> = Promise.resolve();
  #timer: NodeJS.Timeout | null = null;

  constructor(
    readonly chance: Chance,
    /** Copies of each event, on average. */
    readonly copies: number,
  ) {}

  /** Copies that have not been sent yet. */
  get waiting(): number {
    return this.#late.length;
  }

  broker<T extends Broker>(broker: T): T {
    const publisher = broker.publisher.bind(broker);
    broker.publisher = () => this.#publisher(publisher());
    return broker;
  }

  #publisher(publisher: Publisher): Publisher {
    const send = publisher.send.bind(publisher);
    const stop = publisher.stop.bind(publisher);
    publisher.send = (events) => this.#inTurn(() => this.#send(events, send));
    publisher.stop = async () => {
      if (this.#timer !== null) clearTimeout(this.#timer);
      this.#late = [];
      await this.#sending;
      await stop();
    };
    return publisher;
  }

  async #send(events: readonly EventEnvelope[], send: Publisher['send']): Promise<SendOutcome[]> {
    const copies = this.#take();
    const order = this.#mixed(events);
    const outcomes = await send([...order.map((at) => events[at]!), ...copies]);
    for (const event of events) this.#late.push(...this.#copiesOf(event));
    this.#sendLate(send);
    const answers = new Map(order.map((at, place) => [at, outcomes[place]!]));
    return events.map((_, at) => answers.get(at)!);
  }

  /** Places of the events in another order: that of each key stays. */
  #mixed(events: readonly EventEnvelope[]): number[] {
    const places = new Map<string | null, number[]>();
    for (const [at, { key }] of events.entries()) places.set(key, [...(places.get(key) ?? []), at]);
    return this.chance.shuffled(events).map(({ key }) => places.get(key)!.shift()!);
  }

  #copiesOf(event: EventEnvelope): EventEnvelope[] {
    if (this.#copied.has(event.id)) return [];
    this.#copied.add(event.id);
    const whole = Math.floor(this.copies);
    const count = whole + (this.chance.happens(this.copies - whole) ? 1 : 0);
    return Array.from({ length: count }, () => event);
  }

  #take(): EventEnvelope[] {
    this.#late = this.chance.shuffled(this.#late);
    return this.#late.splice(0, Math.min(copiesAtOnce, Math.ceil(this.#late.length / 2)));
  }

  #sendLate(send: Publisher['send']): void {
    if (this.#timer !== null || this.#late.length === 0) return;
    this.#timer = setTimeout(() => {
      this.#timer = null;
      const again = () => this.#sendLate(send);
      void this.#inTurn(() => send(this.#take())).then(again, again); // a copy that is lost on the way is no loss
    }, lateMs);
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#sending.then(work, work);
    this.#sending = result.catch(() => undefined);
    return result;
  }
}
