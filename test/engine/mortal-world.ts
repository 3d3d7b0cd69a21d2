/** Processes that die in the midst of their work, one after another, on the same in-memory ports. */
import type { DeliverySink, EngineOptions, HandlerDefinition } from '@exactly-once/core';
import type { InMemoryTransaction } from '@exactly-once/testing';
import { MemoryWorld } from './memory-world.js';

export const key = { group: 'test', topic: 'in', partition: 0 };
/** The clock goes on after a process has died; what is left of its handlers must not. */
export const patient = { timeoutMs: 2_000_000_000 };

export class MortalWorld extends MemoryWorld {
  processes = 0;
  /** Units that were accused, in order. */
  readonly marks: string[] = [];
  readonly #open: InMemoryTransaction[] = [];
  readonly #dead = new Set<number>();
  readonly #consumer = this.broker.consumer.bind(this.broker);

  constructor() {
    super();
    this.eachTransaction((transaction) => void this.#open.push(transaction));
    const { fences } = this.storage;
    const accuse = fences.accuse.bind(fences);
    fences.accuse = async (...given) => {
      this.marks.push(given[2]);
      return accuse(...given);
    };
  }

  /** A process from its claim on; nobody ends it. `clean`: as if the one before it had left in order. `from`: where the broker begins. */
  async begin(
    handlers: HandlerDefinition[],
    options: Partial<EngineOptions> = {},
    clean = false,
    from?: bigint,
  ) {
    let sink: DeliverySink | null = null;
    this.broker.consumer = (request) => {
      sink = request.sink;
      return this.#consumer({ ...request, topics: [] });
    };
    await this.start(handlers, options);
    const owner = `process ${++this.processes}`;
    const draining = new AbortController();
    for (const partition of [0, 1]) {
      const records = this.broker.topic(partition === 0 ? 'in' : 'beside');
      const row = await this.storage.fences.claim({ ...key, partition }, owner, 0n);
      const { nextOffset, lastFingerprint } = row;
      const found = clean ? { ...row, clean } : row;
      const deliveries = records.filter(({ offset }) => offset >= (from ?? nextOffset));
      const processing = sink!.process(
        deliveries.map((one) => ({ ...one, topic: 'in', partition })),
        {
          fence: { key: { ...key, partition }, owner, nextOffset, lastFingerprint, found },
          draining: draining.signal,
          aborted: new AbortController().signal,
          done: () => {},
        },
      );
      processing.catch(() => undefined);
    }
    await this.pass(10);
    return { owner, draining };
  }

  /** Its process dies when it is called for the event `id`. */
  killing(name: string, id: string, options: Partial<HandlerDefinition> = {}): HandlerDefinition {
    return this.handler(name, (context) => (context.id === id ? this.die() : undefined), {
      ...patient,
      ...options,
    });
  }

  /** The database undoes what a dead process had open; of the process nothing is heard any more. */
  async die(): Promise<void> {
    this.#dead.add(this.processes);
    void this.engine.drain(); // it retries nothing any more
    for (const transaction of this.#open.splice(0)) await transaction.rollback();
    await new Promise(() => {});
  }

  /** Goes on after a while, unless its process has died. */
  async takes(ms: number): Promise<void> {
    const own = this.processes;
    await this.clock.sleep(ms);
    if (this.#dead.has(own)) await new Promise(() => {});
  }

  ownTransaction(): InMemoryTransaction {
    return this.storage.ambient.current()!.transaction as InMemoryTransaction;
  }

  feedKeyed(...events: (readonly [id: string, key: string])[]): void {
    this.broker.append('in', ...events.map(([id, of]) => ({ ...this.message(id), key: of })));
  }

  /** What is parked, in order. */
  get waiting(): string[] {
    return this.storage.parked.entries.map(({ headers, code, deaths }) => {
      return `${Buffer.from(headers['ce_id']!)} ${code}, ${deaths} deaths`;
    });
  }
}
