/**
 * One producer of one transactional id: initialising it fences every other that has that id. Steps 6 and 7 of an
 * event's life, in one Kafka transaction.
 *
 * After an error that leaves it open what was written it is never used again: the next one's initialisation aborts
 * what this one began. It begins nothing before all handlers are done, so that no transaction stands open for them.
 */
import { ExactlyOnceError, errorChain, type Logger } from '@exactly-once/core';
import type {
  ClientTransaction,
  ClientTransactionalProducer,
  KafkaClient,
  TopicMessages,
} from '../kafka-client.js';
import {
  brokerUnavailable,
  isConcurrentTransaction,
  isFenced,
  isTopicCondition,
  protocolType,
  refusalOf,
  topicUnavailable,
} from '../kafka-errors.js';

export interface ProducerParts {
  readonly client: KafkaClient;
  readonly logger: Logger;
  readonly transactionalId: string;
  /** That are there, and of which it needs one at least. Default: none is known. */
  readonly topics?: readonly string[];
}

export interface BatchEnd {
  readonly group: string;
  readonly topic: string;
  readonly partition: number;
  /** Offset of the next record to process. */
  readonly next: bigint;
}

/** Sent at once; each as large as a broker takes. */
type Request = readonly TopicMessages[];

/** Milliseconds that the coordinator gets to end the transaction before. */
const patienceMs = 30_000;
const concurrentMs = { first: 2, most: 50 };

export class TransactionalProducer {
  readonly #parts: ProducerParts;
  readonly #producer: ClientTransactionalProducer;
  #usable = false;

  private constructor(parts: ProducerParts) {
    this.#parts = parts;
    this.#producer = parts.client.transactionalProducer(parts.transactionalId, parts.topics);
  }

  /** Connects and initialises it: whoever had the id is fenced, and what he began is aborted. */
  static async open(parts: ProducerParts): Promise<TransactionalProducer> {
    const opened = new TransactionalProducer(parts);
    try {
      await opened.#producer.connect();
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
   * Commits requests and position together, once `confirm` has resolved: it runs beside the writing. Throws EO_FENCED;
   * EO_COMMIT_UNKNOWN and EO_BROKER_UNAVAILABLE, after which it is not usable; EO_EVENT_REFUSED, and
   * EO_BROKER_UNAVAILABLE for a missing topic, and what `confirm` throws: then nothing was committed. Where records were
   * not taken, `details.topics` of EO_BROKER_UNAVAILABLE are theirs.
   */
  async commit(
    requests: readonly Request[],
    end: BatchEnd,
    confirm: () => Promise<void> = async () => {},
  ): Promise<void> {
    const transaction = await this.#producer.begin();
    const [written, confirmed] = await Promise.allSettled([
      this.#write(transaction, requests, end),
      confirm(),
    ]);
    if (confirmed.status === 'rejected') {
      await this.#abandon(transaction);
      throw confirmed.reason;
    }
    if (written.status === 'rejected') throw await this.#failed(transaction, requests, written.reason);
    try {
      await transaction.commit();
    } catch (error) {
      this.#usable = false;
      throw isFenced(error) ? this.#fenced(error) : this.#unknown(error);
    }
  }

  /** Writes as `commit` does, and takes it back: whether the broker would take it. Throws as `commit`. */
  async probe(requests: readonly Request[], end: BatchEnd): Promise<void> {
    const transaction = await this.#producer.begin();
    try {
      await this.#write(transaction, requests, end);
    } catch (error) {
      throw await this.#failed(transaction, requests, error);
    }
    try {
      await transaction.abort();
    } catch (error) {
      this.#usable = false;
      throw isFenced(error) ? this.#fenced(error) : this.#incomplete(error);
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

  async #write(transaction: ClientTransaction, requests: readonly Request[], end: BatchEnd): Promise<void> {
    await this.#sendOffsets(transaction, end);
    for (const request of requests) {
      try {
        await transaction.send(request);
      } catch (cause) {
        throw this.#incomplete(cause, { topics: topicsOf([request]) });
      }
    }
  }

  /**
   * First, and again while the coordinator still ends the last transaction: kafkajs does not try again by itself
   * (https://github.com/tulios/kafkajs/issues/430). After it no other request meets that.
   */
  async #sendOffsets(
    transaction: ClientTransaction,
    { group, topic, partition, next }: BatchEnd,
  ): Promise<void> {
    const giveUpAtMs = Date.now() + patienceMs;
    for (let waitMs = concurrentMs.first; ; waitMs = Math.min(waitMs * 2, concurrentMs.most)) {
      try {
        await transaction.commitOffset(group, { topic, partition, next });
        return;
      } catch (error) {
        if (isTopicCondition(error)) throw this.#noPosition(topic, error);
        if (!isConcurrentTransaction(error) || Date.now() > giveUpAtMs) throw error;
        await new Promise((resolve) => setTimeout(resolve, waitMs));
      }
    }
  }

  async #failed(
    transaction: ClientTransaction,
    requests: readonly Request[],
    error: unknown,
  ): Promise<ExactlyOnceError> {
    const cause = error instanceof ExactlyOnceError ? error.cause : error;
    if (isFenced(cause)) {
      this.#usable = false;
      return this.#fenced(cause);
    }
    const refusal = refusalOf(cause);
    if (refusal === null && !isTopicCondition(cause)) {
      this.#usable = false;
      return error instanceof ExactlyOnceError ? error : this.#incomplete(error);
    }
    await this.#abandon(transaction);
    const topics = topicsOf(requests).join(', ');
    if (refusal === null) return topicUnavailable(topics, cause);
    const records = requests.flat().reduce((sum, { messages }) => sum + messages.length, 0);
    const what = `the broker answers ${refusal} to ${records} records for ${topics}`;
    return new ExactlyOnceError('EO_EVENT_REFUSED', what, { cause });
  }

  /** Some of it may still be under way to other brokers: only another epoch keeps that out for certain. */
  async #abandon(transaction: ClientTransaction): Promise<void> {
    this.#usable = false;
    await transaction.abort().catch(() => undefined); // the next one's initialisation does it then
  }

  #fenced(cause: unknown): ExactlyOnceError {
    const { transactionalId } = this.#parts;
    return new ExactlyOnceError('EO_FENCED', `${transactionalId}: ${protocolType(cause)}`, { cause });
  }

  #incomplete(cause: unknown, details?: Readonly<Record<string, unknown>>): ExactlyOnceError {
    const what = `a transaction of ${this.#parts.transactionalId} was not completed`;
    return brokerUnavailable(what, cause, details);
  }

  /** It is no topic of the events: without a cause, so that nobody takes it for one. */
  #noPosition(topic: string, error: unknown): ExactlyOnceError {
    const what = `the position of ${this.#parts.transactionalId} on topic "${topic}": ${protocolType(error)}`;
    return new ExactlyOnceError('EO_BROKER_UNAVAILABLE', what);
  }

  #unknown(cause: unknown): ExactlyOnceError {
    const { transactionalId } = this.#parts;
    return new ExactlyOnceError('EO_COMMIT_UNKNOWN', `${transactionalId}: the commit was not answered`, {
      cause,
    });
  }
}

function topicsOf(requests: readonly Request[]): string[] {
  return [...new Set(requests.flat().map(({ topic }) => topic))];
}
