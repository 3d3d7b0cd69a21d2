/**
 * The Kafka consumer on a broker that a test drives, with a storage in memory and a sink of the test's own.
 */
import {
  bodyFingerprint,
  type Delivery,
  type DeliverySink,
  ExactlyOnceError,
  type FenceRow,
  type ProcessingSession,
} from '@exactly-once/core';
import { InMemoryStorage, ManualClock } from '@exactly-once/testing';
import { KafkaConsumer } from '../../libs/kafka/src/kafka-consumer.js';
import { KafkajsClient } from '../../libs/kafka/src/kafkajs/kafkajs-client.js';
import { MemoryBudget } from '../../libs/kafka/src/memory-budget.js';
import { FakeKafka } from './fake-kafka.js';

export interface Bounds {
  readonly events?: number;
  readonly bytes?: number;
  readonly totalBytes?: number;
  readonly startFrom?: 'earliest' | 'latest';
  readonly dedup?: 'inbox' | 'offset';
}

type Work = (deliveries: readonly Delivery[], session: ProcessingSession) => Promise<void>;

export class ConsumerWorld {
  readonly kafka = new FakeKafka();
  readonly clock = new ManualClock();
  readonly storage = new InMemoryStorage(this.clock);
  /** Values in the order in which they were done. */
  readonly done: string[] = [];
  readonly lines: string[] = [];
  consumer!: KafkaConsumer;
  /** Before a batch is done; by default nothing. */
  work: Work = async () => {};

  async start({
    events = 100,
    bytes = 1_000_000,
    totalBytes = 1_000_000,
    startFrom = 'earliest',
    dedup = 'inbox',
  }: Bounds = {}): Promise<void> {
    const keep = (line: string) => void this.lines.push(line);
    const consumer = { sessionTimeout: 10_000, rebalanceTimeout: 30_000, heartbeatInterval: 1_000_000 };
    this.consumer = new KafkaConsumer({
      client: new KafkajsClient({ kafka: this.kafka.client(), consumer }),
      clock: this.clock,
      logger: { error: keep, warn: keep, info: () => {}, debug: () => {} },
      bounds: { atOnce: 1_000, events, bytes, budget: new MemoryBudget(totalBytes) },
      request: {
        group: 'g',
        topics: [{ topic: 't', startFrom, dedup }],
        storage: this.storage,
        sink: this.#sink(),
      },
    });
    await this.consumer.start(new AbortController().signal);
  }

  /** Drives kafkajs until the condition holds. */
  async until(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
    for (let rounds = 0; rounds < 3_000; rounds++) {
      if (await condition()) return;
      await this.kafka.round();
    }
    throw new Error(`in vain until ${what}; ${this.done}; ${this.kafka.handed}; ${this.lines.join('\n')}`);
  }

  async claimed(...names: string[]): Promise<void> {
    for (const name of names) {
      await this.until(`${name} is claimed`, async () => (await this.fence(name)) !== null);
    }
    await this.until('health is up', () => this.consumer.health().status === 'up');
  }

  async fence(name: string): Promise<FenceRow | null> {
    return this.storage.fences.read({ group: 'g', topic: 't', partition: Number(name.split('/')[1]) });
  }

  #sink(): DeliverySink {
    return {
      process: async (deliveries, session) => {
        await this.work(deliveries, session);
        for (const [index, { offset, body }] of deliveries.entries()) {
          if (session.draining.aborted) return;
          await this.#advance(session, offset + 1n, body!);
          this.done.push(Buffer.from(body!).toString());
          session.done(index + 1);
        }
      },
    };
  }

  async #advance({ fence }: ProcessingSession, next: bigint, body: Uint8Array): Promise<void> {
    const transaction = await this.storage.begin();
    const { key, owner, nextOffset: expected } = fence!;
    const move = { key, owner, expected, next, lastFingerprint: bodyFingerprint(body) };
    if (!(await this.storage.fences.advance(transaction, move))) {
      await transaction.rollback();
      throw new ExactlyOnceError('EO_FENCED', 'another owns it');
    }
    await transaction.seal();
    await transaction.commit();
    fence!.nextOffset = next;
  }
}
