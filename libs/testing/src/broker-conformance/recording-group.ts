/**
 * The consumers of one group in a test of the broker suite, and what they committed. Its sink moves the fence as the
 * processor does: one delivery, one transaction; what it has not committed it has not done.
 */
import {
  bodyFingerprint,
  type ConsumerRequest,
  type Delivery,
  type EventConsumer,
  ExactlyOnceError,
  isExactlyOnceError,
  type ProcessingSession,
  type Storage,
} from '@exactly-once/core';
import { options } from '../conformance-records.js';
import type { BrokerProcess } from './broker-under-test.js';

export interface Committed {
  readonly process: BrokerProcess;
  readonly id: string;
  readonly delivery: Delivery;
}

export type BeforeCommit = (id: string, session: ProcessingSession, process: BrokerProcess) => unknown;

/** A signal that nobody aborts. */
export const never: () => AbortSignal = () => new AbortController().signal;

export class RecordingGroup {
  readonly committed: Committed[] = [];
  /** Ids handed to the sink, committed or not. */
  readonly seen: string[] = [];
  /** Calls of the sink that have ended, well or not, by process. */
  readonly ended: BrokerProcess[] = [];
  readonly #consumers = new Map<BrokerProcess, EventConsumer>();

  constructor(
    readonly name: string,
    readonly topics: readonly string[],
    /** May wait, throw, or return. */
    readonly before: BeforeCommit = () => {},
    readonly startFrom: 'earliest' | 'latest' = 'earliest',
  ) {}

  get ids(): string[] {
    return this.committed.map(({ id }) => id);
  }

  async join(process: BrokerProcess): Promise<EventConsumer> {
    const consumer = this.consumer(process);
    await consumer.start(never());
    return consumer;
  }

  consumer(process: BrokerProcess): EventConsumer {
    const request: ConsumerRequest = {
      group: this.name,
      topics: this.topics.map((topic) => ({ topic, startFrom: this.startFrom })),
      storage: process.storage,
      sink: {
        process: (deliveries, session) =>
          this.#process(process, deliveries, session).finally(() => this.ended.push(process)),
      },
    };
    const consumer = process.broker.consumer(request);
    this.#consumers.set(process, consumer);
    return consumer;
  }

  /** Without grace: what runs is rolled back. */
  async stopAll(): Promise<void> {
    const consumers = [...this.#consumers.values()];
    this.#consumers.clear();
    await Promise.all(consumers.map((consumer) => consumer.stop(0)));
  }

  async #process(process: BrokerProcess, deliveries: readonly Delivery[], session: ProcessingSession) {
    for (const [index, delivery] of deliveries.entries()) {
      if (session.draining.aborted) return;
      const id = idOf(delivery);
      this.seen.push(id);
      await this.before(id, session, process);
      if (session.aborted.aborted) return;
      if (!(await this.#commitUnlessDrained(process.storage, delivery, session))) return;
      this.committed.push({ process, id, delivery });
      session.done(index + 1);
    }
  }

  /** A storage out of reach is tried again, as the processor does. */
  async #commitUnlessDrained(
    storage: Storage,
    delivery: Delivery,
    session: ProcessingSession,
  ): Promise<boolean> {
    while (!session.draining.aborted) {
      try {
        await this.#commit(storage, delivery, session);
        return true;
      } catch (error) {
        if (!isExactlyOnceError(error) || error.outcome !== 'retry' || error.code === 'EO_FENCED')
          throw error;
        await pause(20);
      }
    }
    return false;
  }

  async #commit(storage: Storage, delivery: Delivery, { fence }: ProcessingSession): Promise<void> {
    const transaction = await storage.begin(options);
    try {
      const next = delivery.offset + 1n;
      const lastFingerprint = bodyFingerprint(delivery.body);
      if (fence !== null) {
        const { key, owner, nextOffset: expected } = fence;
        const move = { key, owner, expected, next, lastFingerprint };
        if (!(await storage.fences.advance(transaction, move)))
          throw new ExactlyOnceError('EO_FENCED', `${idOf(delivery)} is another owner's`);
      }
      await transaction.seal();
      await transaction.commit();
      if (fence !== null) Object.assign(fence, { nextOffset: next, lastFingerprint });
    } catch (error) {
      await transaction.rollback();
      throw error;
    }
  }
}

function idOf({ headers }: Delivery): string {
  return headers['ce_id'] === undefined ? '' : Buffer.from(headers['ce_id']).toString();
}

export type Eventually = (what: string, holds: () => boolean) => Promise<void>;

/** Waits until a condition holds, at most so long. */
export function eventuallyWithin(patienceMs: number): Eventually {
  return async (what, holds) => {
    const lateMs = Date.now() + patienceMs;
    while (!holds()) {
      if (Date.now() > lateMs) throw new Error(`not within ${patienceMs} ms: ${what}`);
      await pause(5);
    }
  };
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** A door that opens once. Who waits before it goes on, too, when its session is aborted. */
export class Gate {
  open!: () => void;
  readonly #opened = new Promise<void>((resolve) => {
    this.open = resolve;
  });

  async pass({ aborted }: ProcessingSession): Promise<void> {
    const over = new Promise<void>((resolve) => {
      if (aborted.aborted) resolve();
      aborted.addEventListener('abort', () => resolve(), { once: true });
    });
    await Promise.race([this.#opened, over]);
  }
}
