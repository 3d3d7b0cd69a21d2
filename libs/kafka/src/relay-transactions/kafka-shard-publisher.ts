/**
 * A relay's hold on a shard at the broker: one transactional id, whose transactions hold a batch and its token.
 * Step 2 of an event's life, exactly once.
 *
 * Each commit is confirmed by the caller after this producer was initialised. So who was shut out never commits, and
 * who may not go on never shuts out the next one for good: it is not confirmed any more. What cannot be sent is found
 * out in transactions that are taken back.
 */
import {
  type EventEnvelope,
  ExactlyOnceError,
  hasCode,
  type OutboxShard,
  type SendOutcome,
  type ShardPublisher,
  type TransactionalBatch,
} from '@exactly-once/core';
import { clusterAnswers } from '../cluster-ping.js';
import { isTopicCondition } from '../kafka-errors.js';
import { type OutgoingEvent, OutgoingEvents, requestOf } from '../outgoing-events.js';
import type { RequestBound } from '../request-bound.js';
import { TopicFailures } from '../topic-failures.js';
import type { TopicPauses } from '../topic-pauses.js';
import { type ProducerParts, TransactionalProducer } from '../transactions/transactional-producer.js';
import { EventSieve } from './event-sieve.js';
import type { OutboxProgress } from './outbox-progress.js';

/** What was learned of the broker: it outlives an owner's hold. */
export interface ShardExperience {
  readonly pauses: TopicPauses;
  readonly bound: RequestBound;
}

export interface ShardParts extends Pick<ProducerParts, 'client' | 'logger'> {
  readonly progress: OutboxProgress;
  readonly shard: OutboxShard;
  readonly experience: ShardExperience;
  /** Tokens of batches that may have been committed. */
  readonly inDoubt: readonly bigint[];
  readonly closed: (publisher: KafkaShardPublisher) => void;
}

/** Times that what passed by itself may be refused together, before it is left to a next attempt. */
const mostRounds = 5;

export class KafkaShardPublisher implements ShardPublisher {
  readonly #parts: ShardParts;
  #producer: TransactionalProducer;
  /** After a failure its initialisation would shut out whoever has opened the shard meanwhile. */
  #over = false;

  private constructor(
    parts: ShardParts,
    producer: TransactionalProducer,
    readonly committed: bigint | null,
  ) {
    this.#parts = parts;
    this.#producer = producer;
  }

  /** Shuts the former owner out, and only then looks where he came to. */
  static async open(parts: ShardParts): Promise<KafkaShardPublisher> {
    await parts.progress.ensure(parts.shard);
    const producer = await openProducer(parts);
    try {
      const { progress, shard, inDoubt } = parts;
      return new KafkaShardPublisher(parts, producer, await progress.committed(shard, inDoubt));
    } catch (error) {
      await producer.close();
      throw error;
    }
  }

  async publish(events: readonly EventEnvelope[], batch: TransactionalBatch): Promise<SendOutcome[]> {
    try {
      return await this.#publish(new OutgoingEvents(events), batch);
    } catch (error) {
      this.#over = true;
      throw error;
    }
  }

  async close(): Promise<void> {
    this.#over = true;
    this.#parts.closed(this);
    await this.#producer.close();
  }

  async #publish(outgoing: OutgoingEvents, batch: TransactionalBatch): Promise<SendOutcome[]> {
    const { pauses, bound } = this.#parts.experience;
    const failures = new TopicFailures(outgoing, pauses, bound);
    const sieve = new EventSieve({ outgoing, pauses, bound, failures, probe: (part) => this.#probe(part) });
    let requests = await sieve.requests();
    for (let round = 1; requests.length > 0; round++) {
      try {
        pauses.asking();
        await this.#commit(requests, batch);
        for (const request of requests) {
          bound.passed(request);
          outgoing.sent(request);
        }
        break;
      } catch (error) {
        if (round === mostRounds) throw error;
        requests = await sieve.sifted(requests, await this.#concerning(error));
      }
    }
    failures.check();
    return outgoing.outcomes();
  }

  async #commit(requests: readonly OutgoingEvent[][], { token, confirm }: TransactionalBatch): Promise<void> {
    const producer = await this.#usable();
    const indexes = requests.flatMap((request) => request.map(({ index }) => index)).sort((a, b) => a - b);
    const { progress, shard } = this.#parts;
    await producer.commit(requests.map(requestOf), progress.endOf(shard, token), () => confirm(indexes));
  }

  /** Throws what concerns neither the events nor their topics. */
  async #probe(events: readonly OutgoingEvent[]): Promise<unknown> {
    const producer = await this.#usable();
    const { progress, shard } = this.#parts;
    try {
      await producer.probe([requestOf(events)], progress.endOf(shard, 0n));
      return null;
    } catch (error) {
      return this.#concerning(error);
    }
  }

  /** The error, where it concerns some of the events or one of their topics; else throws it. Nothing was committed. */
  async #concerning(error: unknown): Promise<unknown> {
    if (hasCode(error, 'EO_EVENT_REFUSED')) return error;
    if (!hasCode(error, 'EO_BROKER_UNAVAILABLE')) throw error;
    if (isTopicCondition(error)) return error;
    const { client, logger } = this.#parts;
    const ofRecords = 'topics' in (error as ExactlyOnceError).details;
    if (ofRecords && (await clusterAnswers(client, logger))) return error;
    throw error;
  }

  async #usable(): Promise<TransactionalProducer> {
    if (this.#over) throw over(this.#parts);
    if (this.#producer.usable) return this.#producer;
    await this.#producer.close();
    this.#producer = await openProducer(this.#parts);
    if (!this.#over) return this.#producer;
    await this.#producer.close();
    throw over(this.#parts);
  }
}

function openProducer({ client, logger, progress, shard }: ShardParts): Promise<TransactionalProducer> {
  const transactionalId = progress.nameOf(shard);
  return TransactionalProducer.open({ client, logger, transactionalId, topics: [progress.topic] });
}

function over({ progress, shard }: ShardParts): ExactlyOnceError {
  return new ExactlyOnceError('EO_FENCED', `${progress.nameOf(shard)} is to be opened anew`);
}
