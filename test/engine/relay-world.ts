/**
 * Relays over the in-memory storage and a publisher of a test's own, on a clock that the test holds.
 */
import {
  type EventEnvelope,
  noTelemetry,
  PlainSending,
  type Publisher,
  Relay,
  type RelayParts,
  type SendOutcome,
  type Transaction,
} from '@exactly-once/core';
import { InMemoryStorage, ManualClock } from '@exactly-once/testing';

export class RelayWorld {
  readonly clock = new ManualClock();
  readonly storage = new InMemoryStorage(this.clock);
  /** Ids in the order in which they were sent. */
  readonly sent: string[] = [];
  readonly batches: number[] = [];
  readonly refused = new Set<string>();
  readonly log: string[] = [];
  readonly #running: { readonly stop: AbortController; readonly ended: Promise<void> }[] = [];

  readonly #plain: Publisher = {
    start: async () => {},
    stop: async () => {},
    send: (events) => this.send(events),
  };

  start(
    owner: string,
    { publisher = this.#plain, ...options }: Partial<RelayParts> & { publisher?: Publisher } = {},
  ) {
    const relay = new Relay({
      storage: this.storage,
      sending: new PlainSending(this.storage, publisher, 0),
      clock: this.clock,
      logger: { error: this.#keep, warn: this.#keep, info: this.#keep, debug: () => {} },
      telemetry: noTelemetry,
      random: () => 0.5,
      owner,
      batchSize: 100,
      maxBytes: 1_000_000,
      leaseMs: 9_000,
      maxPollMs: 100,
      holdBackMs: 1_000,
      ...options,
    });
    const stop = new AbortController();
    const ended = relay.run(stop.signal);
    this.#running.push({ stop, ended });
    return { relay, stop, ended };
  }

  async close(): Promise<void> {
    for (const { stop, ended } of this.#running.splice(0)) {
      stop.abort();
      await this.clock.advance(1);
      await ended;
    }
  }

  async send(events: readonly EventEnvelope[]): Promise<SendOutcome[]> {
    this.batches.push(events.length);
    const lines = new Set<string>();
    return events.map((event): SendOutcome => {
      const line = `${event.topic} ${event.key}`;
      if (lines.has(line)) return { status: 'behind' };
      if (this.refused.has(event.id)) {
        lines.add(line);
        return { status: 'refused', reason: `${event.id} is too large` };
      }
      this.sent.push(event.id);
      return { status: 'sent' };
    });
  }

  /** All by one key, in one transaction. */
  async publish(...ids: string[]): Promise<void> {
    await this.publishAll(ids.map((id) => anEvent(id)));
  }

  async publishAll(events: readonly EventEnvelope[]): Promise<void> {
    await (await this.open(events)).commit();
  }

  /** Published, and not committed. */
  async open(events: readonly EventEnvelope[]): Promise<Transaction> {
    const transaction = await this.storage.begin();
    transaction.outgoing.push(...events.map((event) => ({ event, deliverAtMs: null })));
    await transaction.seal();
    return transaction;
  }

  readonly #keep = (line: string) => void this.log.push(line);
}

export function anEvent(id: string, more: Partial<EventEnvelope> = {}): EventEnvelope {
  return {
    id,
    source: 's',
    type: 't',
    version: 1,
    topic: 'o',
    key: 'k',
    timeMs: 0,
    contentType: 'application/json',
    headers: {},
    traceparent: null,
    tracestate: null,
    body: Buffer.alloc(400),
    ...more,
  };
}
