/**
 * Engines that consume, transform and produce in Kafka transactions on a real broker, without any database, and a
 * client that cuts a transaction where a test wants it.
 */
import { randomUUID } from 'node:crypto';
import {
  type Broker,
  Engine,
  type EngineOptions,
  type EventContext,
  type EventTypeDescriptor,
  type HandlerDefinition,
} from '@exactly-once/core';
import { type KafkaBrokerOptions, kafkaBroker } from '@exactly-once/kafka';
import type { Kafka, Message, Producer, ProducerConfig, Transaction } from 'kafkajs';
import { type DumpedRecord, findKafka, type KafkaCluster } from '../services/kafka.js';
import { until } from '../services/ports.js';

export interface Order {
  readonly name: string;
}

/** Called in the place of a transaction's last step. */
export type AtCommit = (transaction: Transaction, commit: () => Promise<void>) => Promise<void>;

export class TransactionWorld {
  readonly engines: Engine[] = [];
  readonly log: string[] = [];
  /** Stands for the broker's answer to each commit, where a test sets it. */
  atCommit: AtCommit | null = null;

  private constructor(
    readonly kafka: KafkaCluster,
    readonly input: string,
    readonly output: string,
    readonly letters: string,
    readonly group: string,
  ) {}

  static async open(prefix: string, partitions = 2): Promise<TransactionWorld> {
    const kafka = await findKafka();
    const input = await kafka.createTopic(prefix, { partitions });
    const output = await kafka.createTopic(`${prefix}-out`, { partitions: 2 });
    await kafka.createNamedTopic(`${input}.dead-letters`, 1);
    return new TransactionWorld(kafka, input, output, `${input}.dead-letters`, kafka.group(prefix));
  }

  get placed(): EventTypeDescriptor<Order> {
    return { type: 'order.placed', topic: this.input, version: 1, key: ({ name }) => name };
  }

  get recorded(): EventTypeDescriptor<Order> {
    return { type: 'sale.recorded', topic: this.output, version: 1, key: ({ name }) => name };
  }

  /** Publishes the input's name again after `work`. */
  async engine(
    work: (name: string, context: EventContext, engine: Engine) => Promise<void> = async () => {},
    options: Partial<EngineOptions> = {},
    handler: Partial<HandlerDefinition> = {},
    broker: Partial<KafkaBrokerOptions> = {},
  ): Promise<Engine> {
    const keep = (message: string) => void this.log.push(message);
    const engine: Engine = new Engine({
      service: 'sales',
      group: this.group,
      broker: kafkaBroker({ client: this.#client(), ...broker }).create() as Broker,
      types: [this.placed, this.recorded],
      unhandled: 'skip',
      retry: { attempts: 2, backoffMs: 1 },
      logger: { error: keep, warn: keep, info: keep, debug: () => {} },
      handlers: [
        {
          name: 'record',
          type: 'order.placed',
          transaction: 'kafka',
          invoke: async (data, context) => {
            const { name } = data as Order;
            await work(name, context, engine);
            await engine.outbox.publish(this.recorded, { name });
          },
          ...handler,
        },
      ],
      ...options,
    });
    this.engines.push(engine);
    await engine.start();
    return engine;
  }

  async produce(names: readonly string[], { partition, id }: { partition?: number; id?: string } = {}) {
    const producer = this.kafka.client.producer();
    await producer.connect();
    const messages = names.map((name): Message => {
      const headers = { ce_specversion: '1.0', ce_source: 'test', ce_type: 'order.placed' };
      const message = { key: name, value: JSON.stringify({ name }) };
      const place = partition === undefined ? {} : { partition };
      return { ...message, ...place, headers: { ...headers, ce_id: id ?? randomUUID() } };
    });
    await producer.send({ topic: this.input, messages });
    await producer.disconnect();
  }

  /** Resolves when the group has committed to the end of every partition. */
  async drained(): Promise<void> {
    await until('the group stands at the end', async () => {
      const [ends, committed] = [
        await this.kafka.ends(this.input),
        await this.kafka.committed(this.group, this.input).catch(() => new Map<number, bigint>()), // it loads yet
      ];
      return [...ends].every(([partition, end]) => end === 0n || committed.get(partition) === end);
    }).catch((error: Error) => {
      throw new Error(`${error.message}\n${this.log.slice(-20).join('\n')}`);
    });
  }

  async outputs(
    isolation: 'read_committed' | 'read_uncommitted' = 'read_committed',
  ): Promise<DumpedRecord[]> {
    return this.kafka.dump(this.output, { isolation });
  }

  /** What a reader of committed records sees, in alphabetical order. */
  async names(): Promise<string[]> {
    const records = await this.outputs();
    return records.map(({ value }) => (JSON.parse(value!) as Order).name).sort();
  }

  async close(): Promise<void> {
    for (const engine of this.engines) await engine.stop();
    await this.kafka.stop();
  }

  /** The cluster's client, of which each transaction's commit passes by `atCommit`. */
  #client(): Kafka {
    const { client } = this.kafka;
    const watched = (producer: Producer): Producer => ({
      ...producer,
      transaction: async () => {
        const transaction = await producer.transaction();
        const commit = () => transaction.commit();
        return { ...transaction, commit: () => this.atCommit?.(transaction, commit) ?? commit() };
      },
    });
    return {
      ...{ admin: client.admin.bind(client), consumer: client.consumer.bind(client) },
      logger: client.logger.bind(client),
      producer: (config?: ProducerConfig) => watched(client.producer(config)),
    };
  }
}
