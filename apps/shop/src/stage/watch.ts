/**
 * Tells what happens to each event, from around the framework's ports: published, relayed, delivered, handled,
 * absorbed, rolled back. The framework does not know, and nothing of this decides anything.
 */
import type { Broker, Delivery, DeliverySink, EventEnvelope, Storage, Transaction } from '@exactly-once/core';
import type { Hold } from './hold.js';
import type { EventMark, ReportedStep } from './messages.js';
import type { Tell } from './report-pipe.js';

export class Watch {
  /** By transaction: the events whose handlers have come to their end in it. */
  readonly #handled = new WeakMap<Transaction, EventMark[]>();
  /** Deliveries that a handler was called with. */
  readonly #called = new WeakSet<Delivery>();
  #storage: Storage | null = null;
  #processing = 0;

  constructor(
    readonly tell: Tell,
    readonly hold: Hold,
  ) {}

  /** Deliveries are in the processor's hands. */
  get busy(): boolean {
    return this.#processing > 0;
  }

  /** Surrounds the methods of this very instance, and returns it. */
  storage<T extends Storage>(storage: T): T {
    const begin = storage.begin.bind(storage);
    storage.begin = async (options) => this.#transaction(await begin(options));
    this.#storage = storage;
    return storage;
  }

  broker<T extends Broker>(broker: T): T {
    const [publisher, consumer] = [broker.publisher.bind(broker), broker.consumer.bind(broker)];
    broker.publisher = () => {
      const watched = publisher();
      const send = watched.send.bind(watched);
      watched.send = async (events) => {
        const outcomes = await send(events);
        this.#steps(events.filter((_, index) => outcomes[index]?.status === 'sent').map(relayed));
        return outcomes;
      };
      return watched;
    };
    broker.consumer = (request) => consumer({ ...request, sink: this.#sink(request.sink) });
    return broker;
  }

  /** A handler is called with the delivery. */
  called(delivery: Delivery): void {
    this.#called.add(delivery);
  }

  /** It has come to its end: what it wrote stands in the open transaction. */
  ended(mark: EventMark): void {
    const transaction = this.#storage?.ambient.current()?.transaction;
    if (transaction !== undefined) this.#handled.get(transaction)?.push(mark);
  }

  /** It threw: what it wrote is rolled back, alone or with its neighbours. */
  failed(mark: EventMark, error: unknown): void {
    this.#steps([{ ...mark, step: 'rolled-back', note: error instanceof Error ? error.message : null }]);
  }

  #transaction(transaction: Transaction): Transaction {
    const written: EventMark[] = [];
    this.#handled.set(transaction, written);
    const [seal, commit, rollback] = [
      transaction.seal.bind(transaction),
      transaction.commit.bind(transaction),
      transaction.rollback.bind(transaction),
    ];
    transaction.seal = async () => {
      if (written.length > 0) await this.hold.reached('before-seal', written);
      await seal();
    };
    transaction.commit = async () => {
      const published = transaction.outgoing.flatMap(({ event }) => (event === null ? [] : [markOf(event)]));
      if (written.length > 0) await this.hold.reached('before-commit', written);
      else if (published.length > 0) await this.hold.reached('placing', published);
      await commit();
      this.#steps([
        ...published.map((mark) => ({ ...mark, step: 'published' as const, note: null })),
        ...written.splice(0).map((mark) => ({ ...mark, step: 'handled' as const, note: null })),
      ]);
    };
    transaction.rollback = async () => {
      await rollback();
      this.#steps(written.splice(0).map((mark) => ({ ...mark, step: 'rolled-back', note: null })));
    };
    return transaction;
  }

  #sink(sink: DeliverySink): DeliverySink {
    return {
      process: async (deliveries, session) => {
        const marks = deliveries.map(markOfDelivery);
        this.#steps(marks.map((mark) => ({ ...mark, step: 'delivered', note: null })));
        let told = 0;
        const done = (count: number) => {
          const absorbed = marks
            .slice(told, count)
            .filter((_, at) => !this.#called.has(deliveries[told + at]!));
          this.#steps(absorbed.map((mark) => ({ ...mark, step: 'duplicate', note: null })));
          told = Math.max(told, count);
          session.done(count);
        };
        this.#processing++;
        try {
          await sink.process(deliveries, { ...session, done });
        } finally {
          this.#processing--;
        }
      },
    };
  }

  #steps(steps: readonly ReportedStep[]): void {
    if (steps.length > 0) this.tell({ kind: 'steps', steps });
  }
}

function relayed(event: EventEnvelope): ReportedStep {
  return { ...markOf(event), step: 'relayed', note: null };
}

function markOf({ type, id, key }: EventEnvelope): EventMark {
  return { type, eventId: id, orderId: key ?? '', handler: null };
}

function markOfDelivery({ headers, key }: Delivery): EventMark {
  const text = (bytes: Uint8Array | null | undefined) => (bytes == null ? '' : Buffer.from(bytes).toString());
  return {
    type: text(headers['ce_type']),
    eventId: text(headers['ce_id']),
    orderId: text(key),
    handler: null,
  };
}
