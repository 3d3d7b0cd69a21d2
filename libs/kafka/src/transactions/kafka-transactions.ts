/**
 * Kafka's own transactions in the place of a database: consume, transform, produce and offsets commit together.
 * Steps 4 to 8 of an event's life.
 *
 * It has no inbox. What is read again after a failure was not committed; a copy that a producer wrote twice is known
 * only to the process that handled it lately, and is then published again under the same ids.
 */
import {
  type AmbientScope,
  type DeadLetterStore,
  ExactlyOnceError,
  type FenceKey,
  type HandlerStore,
  type InboxStore,
  type KnownHandler,
  type LeaseStore,
  type Logger,
  type LogStore,
  type OutboxStore,
  type OverviewStore,
  type ParkStore,
  type RewindStore,
  type Storage,
  type Transaction,
} from '@exactly-once/core';
import type { KafkaClient } from '../kafka-client.js';
import { LogOffsets } from '../log-offsets.js';
import { deadLetterRecord } from './dead-letter-record.js';
import { KafkaTransaction } from './kafka-transaction.js';
import { TransactionFences } from './transaction-fences.js';
import { TransactionalProducer } from './transactional-producer.js';

export interface TransactionsParts {
  readonly ambient: AmbientScope;
  /** Known only once the broker is bound. */
  readonly bound: () => { readonly client: KafkaClient; readonly logger: Logger };
  readonly deadLetterTopic: (topic: string) => string;
}

export class KafkaTransactions implements Storage {
  readonly name = 'kafka';
  readonly features = {
    concurrentStatements: false,
    concurrentStatementsRemedy: 'a Kafka transaction has no lanes',
    connections: null,
  };
  readonly ambient: AmbientScope;
  readonly fences: TransactionFences;
  readonly inbox = withoutMemory;
  readonly handlers = unrecorded;
  readonly outbox = absent<OutboxStore>('an outbox');
  readonly leases = absent<LeaseStore>('leases');
  readonly log = absent<LogStore>('a log');
  readonly parked = absent<ParkStore>('parked events');
  readonly overview = absent<OverviewStore>('an overview');
  readonly rewinds = absent<RewindStore>('a rewind');
  readonly deadLetters = absent<DeadLetterStore>('a store of dead letters', {
    insert: async (transaction, letter) => own(transaction).bury(letter),
  });
  readonly #parts: TransactionsParts;
  readonly #offsets = new Map<string, LogOffsets>();

  constructor(parts: TransactionsParts) {
    this.#parts = parts;
    this.ambient = parts.ambient;
    this.fences = new TransactionFences({
      open: (transactionalId, topic) =>
        TransactionalProducer.open({ ...parts.bound(), transactionalId, topics: [topic] }),
      committed: (key) => this.#committed(key),
    });
  }

  async open(): Promise<void> {}

  async close(): Promise<void> {
    await this.fences.close();
    await Promise.all([...this.#offsets.values()].map((offsets) => offsets.close()));
    this.#offsets.clear();
  }

  async ping(): Promise<void> {}

  async begin(): Promise<KafkaTransaction> {
    const { deadLetterTopic } = this.#parts;
    return new KafkaTransaction((letter) => deadLetterRecord(letter, deadLetterTopic));
  }

  translate(error: unknown): unknown {
    return error;
  }

  async #committed({ group, topic, partition }: FenceKey): Promise<bigint | null> {
    const offsets = this.#offsets.get(group) ?? new LogOffsets(this.#parts.bound().client, group);
    this.#offsets.set(group, offsets);
    return (await offsets.of(topic, partition)).committed;
  }
}

/** A committed offset is all that Kafka remembers of an event. */
const withoutMemory: InboxStore = {
  admit: async (_, records) => records.map(() => ({ verdict: 'fresh' })),
  withdraw: async () => {},
  deleteOlderThan: async () => 0,
};

/** A handler's first name makes its ids; the last rename is all that can be known of it. */
const unrecorded: HandlerStore = {
  register: async (_, declared) =>
    declared.map(
      ({ name, renamedFrom }, index): KnownHandler => ({
        id: index + 1,
        name,
        renamedFrom: renamedFrom ?? null,
        identity: renamedFrom ?? name,
        generation: 1,
      }),
    ),
  ofGroup: async () => [],
  windowDays: async () => null,
};

function own(transaction: Transaction): KafkaTransaction {
  if (transaction instanceof KafkaTransaction) return transaction;
  throw new ExactlyOnceError(
    'EO_INTERNAL',
    'a transaction of another storage came to the Kafka transactions',
  );
}

/** Whatever is asked of it is refused, but for what is there. */
function absent<T extends object>(what: string, there: Partial<T> = {}): T {
  const refuse = () => Promise.reject(noDatabase(what));
  return new Proxy(there, { get: (_, name) => there[name as keyof T] ?? refuse }) as T;
}

function noDatabase(what: string): ExactlyOnceError {
  return new ExactlyOnceError('EO_NO_DATABASE', `there is no database, and so not ${what}`);
}
