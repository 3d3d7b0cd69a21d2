/** An engine on in-memory ports with a ledger: what the unit tests of the engine share. */
import {
  Engine,
  type EngineOptions,
  type EventContext,
  type EventTypeDescriptor,
  type HandlerDefinition,
  keyHash,
  type Storage,
} from '@exactly-once/core';
import {
  InMemoryBroker,
  InMemoryStorage,
  type InMemoryTable,
  type InMemoryTransaction,
  ManualClock,
} from '@exactly-once/testing';

export interface Ledger {
  readonly handler: string;
  readonly id: string;
}

const happened: EventTypeDescriptor = { type: 'happened', topic: 'in', version: 1 };
export const caused: EventTypeDescriptor<{ by: string }> = {
  type: 'caused',
  topic: 'out',
  version: 1,
  key: ({ by }) => by,
};

export class MemoryWorld {
  readonly clock = new ManualClock();
  readonly storage = new InMemoryStorage(this.clock);
  readonly broker = new InMemoryBroker();
  readonly ledger: InMemoryTable<Ledger> = this.storage.table<Ledger>();
  /** Each call of a handler, in order. */
  readonly calls: string[] = [];
  readonly log: string[] = [];
  engine!: Engine;

  /** A handler that writes the ledger and then does what the test says. */
  handler(
    name: string,
    work: (context: EventContext, data: unknown) => unknown = () => {},
    options: Partial<HandlerDefinition> = {},
  ): HandlerDefinition {
    return {
      name,
      type: 'happened',
      ...options,
      invoke: async (data, context) => {
        this.calls.push(`${name} ${context.id}`);
        this.ledger.append({ handler: name, id: context.id });
        await work(context, data);
      },
    };
  }

  async start(handlers: HandlerDefinition[], options: Partial<EngineOptions> = {}): Promise<void> {
    const keep = (message: string) => void this.log.push(message);
    this.engine = new Engine({
      service: 'test',
      storage: this.storage as Storage,
      broker: this.broker,
      handlers,
      types: [happened],
      unhandled: 'skip',
      clock: this.clock,
      random: () => 0.5,
      retention: false,
      logger: { error: keep, warn: keep, info: () => {}, debug: () => {} },
      ...options,
    });
    await this.engine.start();
  }

  feed(...ids: string[]): void {
    this.broker.append('in', ...ids.map((id) => this.message(id)));
  }

  /** Into the log of the database broker. */
  async feedLog(...ids: string[]): Promise<void> {
    await this.storage.log.createTopics(['in'], 1);
    const records = ids.map((id) => {
      const { headers, body } = this.message(id);
      return { topic: 'in', key: null, hash: keyHash(null, id), headers, body: Buffer.from(body) };
    });
    await this.storage.log.append(records);
  }

  message(id: string, body = '{}', type = 'happened', source = 'test') {
    return { headers: { ce_specversion: '1.0', ce_id: id, ce_source: source, ce_type: type }, body };
  }

  /** A statement of the running handler that the database refuses with `error`. */
  failStatement(error: Error): never {
    return (this.storage.ambient.current()!.transaction as InMemoryTransaction).fail(error);
  }

  /** What happens to each transaction that begins from now on. */
  eachTransaction(change: (transaction: InMemoryTransaction) => void): void {
    const begin = this.storage.begin.bind(this.storage);
    this.storage.begin = async () => {
      const transaction = (await begin()) as InMemoryTransaction;
      change(transaction);
      return transaction;
    };
  }

  /** Effects that were there at each COMMIT, counted; grows while the test runs. */
  countAtCommits(): number[] {
    const counts: number[] = [];
    this.eachTransaction((transaction) => {
      const commit = transaction.commit.bind(transaction);
      transaction.commit = async () => {
        await commit();
        counts.push(this.ledger.rows.length);
      };
    });
    return counts;
  }

  /** Lets everything run that needs no more than `ms` milliseconds. */
  async pass(ms = 1): Promise<void> {
    await this.clock.advance(ms);
  }

  get effects(): string[] {
    return this.ledger.rows.map(({ handler, id }) => `${handler} ${id}`);
  }

  get letters(): string[] {
    return this.storage.deadLetters.letters.map(
      ({ handler, code, eventId }) => `${handler} ${code} ${eventId}`,
    );
  }

  get published(): string[] {
    return this.broker.topic('out').map(({ headers }) => Buffer.from(headers['ce_id']!).toString());
  }

  async stop(): Promise<void> {
    const stopping = this.engine.stop();
    await this.pass(20_000);
    await stopping;
  }
}
