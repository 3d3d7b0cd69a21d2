/**
 * One producer of one transactional id: initialising it fences every other that has that id. Steps 6 and 7 of an
 * event's life, in one Kafka transaction.
 *
 * After an error that leaves it open what was written it is never used again: the next one's initialisation aborts
 * what this one began. It begins nothing before all handlers are done, so that no transaction stands open for them.
 */
import { ExactlyOnceError, errorChain, type Logger } from '@exactly-once/core';
import { type Kafka, Partitioners, type Producer, type ProducerConfig, type Transaction } from 'kafkajs';
import {
  brokerUnavailable,
  isConcurrentTransaction,
  isFenced,
  isTopicCondition,
  protocolType,
  refusalOf,
  topicUnavailable,
} from '../kafka-errors.js';
import { type OutgoingRecord, requestsOf } from './outgoing-record.js';

export interface ProducerParts {
  readonly kafka: Kafka;
  readonly config: ProducerConfig;
  readonly logger: Logger;
  readonly transactionalId: string;
}

export interface BatchEnd {
  readonly group: string;
  readonly topic: string;
  readonly partition: number;
  /** Offset of the next record to process. */
  readonly next: bigint;
}

const producerRetry = { retries: 3, initialRetryTime: 100 };
/** Milliseconds in which the coordinator ends a transaction of a process that died within it; below every broker's limit. */
const transactionTimeoutMs = 30_000;
const concurrentMs = { first: 2, most: 50 };

export class TransactionalProducer {
  readonly #parts: ProducerParts;
  readonly #producer: Producer;
  #usable = false;

  private constructor(parts: ProducerParts) {
    const { kafka, config, transactionalId } = parts;
    this.#parts = parts;
    this.#producer = kafka.producer({
      createPartitioner: Partitioners.DefaultPartitioner,
      allowAutoTopicCreation: false,
      transactionTimeout: transactionTimeoutMs,
      ...config,
      retry: { ...producerRetry, ...config.retry },
      transactionalId,
      maxInFlightRequests: 1,
    });
  }

  /** Connects and initialises it: whoever had the id is fenced, and what he began is aborted. */
  static async open(parts: ProducerParts): Promise<TransactionalProducer> {
    const opened = new TransactionalProducer(parts);
    try {
      await opened.#producer.connect();
      await (await opened.#producer.transaction()).abort();
    } catch (error) {
      await opened.close();
      throw brokerUnavailable(`the producer of ${parts.transactionalId} could not be initialised`, error);
    }
    opened.#usable = true;
    return opened;
  }

  /** False after an error that left it open what was written. */
  get usable(): boolean {
    return this.#usable;
  }

  /**
   * Commits records and position together. Throws EO_FENCED; EO_COMMIT_UNKNOWN and EO_BROKER_UNAVAILABLE, after which
   * it is not usable; EO_EVENT_REFUSED, and EO_BROKER_UNAVAILABLE for a missing topic: then nothing was committed.
   */
  async commit(records: readonly OutgoingRecord[], end: BatchEnd): Promise<void> {
    const transaction = await this.#producer.transaction();
    try {
      await this.#sendOffsets(transaction, end);
      for (const topicMessages of requestsOf(records)) {
        await transaction.sendBatch({ acks: -1, topicMessages });
      }
    } catch (error) {
      throw await this.#failed(transaction, records, error);
    }
    try {
      await transaction.commit();
    } catch (error) {
      this.#usable = false;
      throw isFenced(error) ? this.#fenced(error) : this.#unknown(error);
    }
  }

  /** Ends its connections; what it began is aborted by the next one, or by the coordinator in time. */
  async close(): Promise<void> {
    this.#usable = false;
    try {
      await this.#producer.disconnect();
    } catch (error) {
      const { logger, transactionalId } = this.#parts;
      logger.warn(`${transactionalId} did not disconnect in order: ${errorChain(error).join(' <- ')}`);
    }
  }

  /**
   * First, and again while the coordinator still ends the last transaction: kafkajs does not try again by itself
   * (https://github.com/tulios/kafkajs/issues/430). After it no other request meets that.
   */
  async #sendOffsets(transaction: Transaction, { group, topic, partition, next }: BatchEnd): Promise<void> {
    const giveUpAtMs = Date.now() + transactionTimeoutMs;
    for (let waitMs = concurrentMs.first; ; waitMs = Math.min(waitMs * 2, concurrentMs.most)) {
      try {
        const partitions = [{ partition, offset: String(next) }];
        await transaction.sendOffsets({ consumerGroupId: group, topics: [{ topic, partitions }] });
        return;
      } catch (error) {
        if (!isConcurrentTransaction(error) || Date.now() > giveUpAtMs) throw error;
        await new Promise((resolve) => setTimeout(resolve, waitMs));
      }
    }
  }

  async #failed(
    transaction: Transaction,
    records: readonly OutgoingRecord[],
    error: unknown,
  ): Promise<ExactlyOnceError> {
    if (isFenced(error)) {
      this.#usable = false;
      return this.#fenced(error);
    }
    const refusal = refusalOf(error);
    if (refusal === null && !isTopicCondition(error)) {
      this.#usable = false;
      return brokerUnavailable(`a transaction of ${this.#parts.transactionalId} was not completed`, error);
    }
    // Some of it may still be under way to other brokers: only another epoch keeps that out for certain.
    this.#usable = false;
    await transaction.abort().catch(() => undefined);
    const topics = [...new Set(records.map(({ topic }) => topic))].join(', ');
    if (refusal === null) return topicUnavailable(topics, error);
    const what = `the broker answers ${refusal} to ${records.length} records for ${topics}`;
    return new ExactlyOnceError('EO_EVENT_REFUSED', what, { cause: error });
  }

  #fenced(cause: unknown): ExactlyOnceError {
    const { transactionalId } = this.#parts;
    return new ExactlyOnceError('EO_FENCED', `${transactionalId}: ${protocolType(cause)}`, { cause });
  }

  #unknown(cause: unknown): ExactlyOnceError {
    const { transactionalId } = this.#parts;
    return new ExactlyOnceError('EO_COMMIT_UNKNOWN', `${transactionalId}: the commit was not answered`, {
      cause,
    });
  }
}
