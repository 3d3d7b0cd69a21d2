/**
 * What one test of the Kafka client suite stands on: topics and names of its own, and whatever it opened is closed
 * with it.
 */
import assert from 'node:assert/strict';
import type { It } from '../broker-conformance/broker-under-test.js';
import type {
  AdminShape,
  KafkaClientShape,
  MessageShape,
  ProducerShape,
  TransactionalProducerShape,
} from './kafka-client-shape.js';
import { ProbedMember } from './probed-member.js';

export interface KafkaClientUnderTest {
  /** A client of its own, as another process would have one; its session time-out is as short as the broker allows. */
  client(): KafkaClientShape;
  /** A new topic with that many partitions. */
  createTopic(partitions: number): Promise<string>;
  /** Deletes the topic and makes another of that name, with one partition. */
  recreateTopic(topic: string): Promise<void>;
  /** A name that no topic, group or transactional id had before. */
  unusedName(): string;
  /** Ends everything that was made here. */
  close(): Promise<void>;
}

export interface KafkaClientTests {
  readonly it: It;
  readonly under: () => KafkaClientUnderTest;
  /** Milliseconds until something that does not come is given up. */
  readonly patienceMs: number;
}

export class KafkaClientGround {
  readonly #under: KafkaClientUnderTest;
  readonly #patienceMs: number;
  readonly #ends: (() => Promise<void>)[] = [];

  private constructor({ under, patienceMs }: KafkaClientTests) {
    this.#under = under();
    this.#patienceMs = patienceMs;
  }

  /** Makes one, uses it, and closes what was opened. */
  static async with(tests: KafkaClientTests, work: (ground: KafkaClientGround) => Promise<void>) {
    const ground = new KafkaClientGround(tests);
    try {
      await work(ground);
    } finally {
      for (const end of ground.#ends.reverse()) await end();
    }
  }

  name(): string {
    return this.#under.unusedName();
  }

  topic(partitions = 1): Promise<string> {
    return this.#under.createTopic(partitions);
  }

  recreate(topic: string): Promise<void> {
    return this.#under.recreateTopic(topic);
  }

  async producer(): Promise<ProducerShape> {
    return this.#connected(this.#under.client().producer());
  }

  transactional(transactionalId: string): Promise<TransactionalProducerShape> {
    return this.#connected(this.#under.client().transactionalProducer(transactionalId));
  }

  admin(): Promise<AdminShape> {
    return this.#connected(this.#under.client().admin());
  }

  /** Joined, and paused. One that crashes before, as while the coordinator loads its groups, is replaced. */
  async member(group: string, topic: string): Promise<ProbedMember> {
    const client = this.#under.client();
    for (;;) {
      const probed = new ProbedMember(client, group);
      this.#ends.push(() => probed.member.leave());
      await probed.member.start([topic], new AbortController().signal);
      await this.until('the member has joined', () => probed.joins > 0 || probed.over);
      if (!probed.over) return probed;
    }
  }

  /** Reads one partition from an offset on. */
  async reading(topic: string, from = 0n, group = this.name()): Promise<ProbedMember> {
    const probed = await this.member(group, topic);
    probed.begin({ topic, partition: 0 }, from);
    return probed;
  }

  /** To its only partition, by the client's own producer. */
  async put(topic: string, ...values: readonly string[]): Promise<void> {
    await (await this.producer()).send([{ topic, messages: values.map(message) }]);
  }

  async until(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
    const giveUpAtMs = Date.now() + this.#patienceMs;
    while (!(await condition())) {
      assert.ok(Date.now() < giveUpAtMs, `in vain until ${what}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  async #connected<T extends { connect(): Promise<void>; disconnect(): Promise<void> }>(made: T): Promise<T> {
    this.#ends.push(() => made.disconnect());
    await made.connect();
    return made;
  }
}

export function message(value: string): MessageShape {
  return { key: Buffer.from('one'), value: Buffer.from(value), headers: {} };
}

/** The protocol's name of an error that a broker answered, itself or in a cause; of another its text; `null` without one. */
export async function refusal(work: Promise<unknown>): Promise<string | null> {
  const error = await work.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  for (let one = error; typeof one === 'object' && one !== null; one = (one as Error).cause) {
    const { type } = one as { type?: unknown };
    if (typeof type === 'string' && /^[A-Z_]+$/.test(type)) return type;
  }
  return error === null ? null : String(error);
}
