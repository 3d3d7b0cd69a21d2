/**
 * A relay's ports, of a process that stops at a point as under SIGSTOP: from then on nothing of it is asked or answered
 * until it goes on. One that never goes on was killed.
 */
import type { OutboxStore, ShardPublisher, Storage, TransactionalPublisher } from '@exactly-once/core';
import { around, withParts } from '../faults/worker/around.js';

export const points = {
  unconfirmed: 'before the database has confirmed the batch',
  confirmed: 'between the confirmation and the commit',
  committed: 'between the commit and settling',
} as const;

export type Point = keyof typeof points;

type Call = (...given: never[]) => Promise<unknown>;

export class Stoppable {
  readonly #point: Point | null;
  #reached = false;
  #goesOn: Promise<void> | null = null;
  #go: () => void = () => {};

  constructor(point: Point | null) {
    this.#point = point;
  }

  get stopped(): boolean {
    return this.#goesOn !== null;
  }

  goOn(): void {
    this.#goesOn = null;
    this.#go();
  }

  storage(storage: Storage): Storage {
    const outbox = around<OutboxStore>(this.#asked(storage.outbox), {
      prepare:
        (prepare) =>
        async (...given) => {
          await this.#at('unconfirmed');
          await prepare(...given);
          await this.#at('confirmed');
        },
    });
    return withParts(storage, { outbox, leases: this.#asked(storage.leases) });
  }

  publisher(publisher: TransactionalPublisher): TransactionalPublisher {
    return around(publisher, {
      open:
        (open) =>
        async (...given) => {
          await this.#wait();
          return this.#shard(await open(...given));
        },
    });
  }

  #shard(shard: ShardPublisher): ShardPublisher {
    return around(shard, {
      publish:
        (publish) =>
        async (...given) => {
          await this.#wait();
          const outcomes = await publish(...given);
          await this.#at('committed');
          return outcomes;
        },
    });
  }

  /** Every call waits while the process is stopped, and its answer as well. */
  #asked<T extends object>(target: T): T {
    return new Proxy(target, {
      get: (of, property) => {
        const value: unknown = Reflect.get(of, property, of);
        if (typeof value !== 'function') return value;
        return async (...given: never[]) => {
          await this.#wait();
          const answer = await (value as Call).apply(of, given);
          await this.#wait();
          return answer;
        };
      },
    });
  }

  async #at(point: Point): Promise<void> {
    if (point === this.#point && !this.#reached) {
      this.#reached = true;
      this.#goesOn = new Promise((resolve) => {
        this.#go = resolve;
      });
    }
    await this.#wait();
  }

  async #wait(): Promise<void> {
    while (this.#goesOn !== null) await this.#goesOn;
  }
}
