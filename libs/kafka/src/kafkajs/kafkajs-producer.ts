/**
 * Producers of kafkajs, plain and transactional. Steps 2 and 6 of an event's life.
 *
 * They add nothing: what an error means is for their owners to know.
 */
import type { Producer, Transaction } from 'kafkajs';
import {
  type ClientProducer,
  type ClientTransaction,
  type ClientTransactionalProducer,
  ConnectionClosedError,
  type PartitionOffset,
  type TopicMessages,
} from '../kafka-client.js';
import { toBatch } from './kafkajs-records.js';

export class KafkajsProducer implements ClientProducer {
  readonly #producer: Producer;

  constructor(producer: Producer) {
    this.#producer = producer;
  }

  connect(): Promise<void> {
    return this.#producer.connect();
  }

  async send(batch: readonly TopicMessages[]): Promise<void> {
    await told(this.#producer.sendBatch(toBatch(batch)));
  }

  disconnect(): Promise<void> {
    return this.#producer.disconnect();
  }
}

export class KafkajsTransactionalProducer implements ClientTransactionalProducer {
  readonly #producer: Producer;

  constructor(producer: Producer) {
    this.#producer = producer;
  }

  async connect(): Promise<void> {
    await this.#producer.connect();
    await (await this.#producer.transaction()).abort();
  }

  async begin(): Promise<ClientTransaction> {
    return new KafkajsTransaction(await this.#producer.transaction());
  }

  disconnect(): Promise<void> {
    return this.#producer.disconnect();
  }
}

class KafkajsTransaction implements ClientTransaction {
  readonly #transaction: Transaction;

  constructor(transaction: Transaction) {
    this.#transaction = transaction;
  }

  commitOffset(consumerGroupId: string, { topic, partition, next }: PartitionOffset): Promise<void> {
    const partitions = [{ partition, offset: String(next) }];
    return this.#transaction.sendOffsets({ consumerGroupId, topics: [{ topic, partitions }] });
  }

  async send(batch: readonly TopicMessages[]): Promise<void> {
    await told(this.#transaction.sendBatch(toBatch(batch)));
  }

  commit(): Promise<void> {
    return this.#transaction.commit();
  }

  abort(): Promise<void> {
    return this.#transaction.abort();
  }
}

/** By the last of its attempts: the ones before it ended in no better way. */
function wasClosed(error: unknown): boolean {
  const last =
    error instanceof Error && error.name === 'KafkaJSNumberOfRetriesExceeded' ? error.cause : error;
  return last instanceof Error && last.name === 'KafkaJSConnectionClosedError';
}

async function told(sent: Promise<unknown>): Promise<void> {
  try {
    await sent;
  } catch (cause) {
    if (!wasClosed(cause)) throw cause;
    throw new ConnectionClosedError('the connection was closed without an answer', { cause });
  }
}
