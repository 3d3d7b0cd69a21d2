/**
 * A storage without a server, for tests of handlers and of the framework: transactions, locks and all.
 *
 * Keeps nothing beyond the process, and promises nothing about speed.
 */
import {
  AmbientScope,
  type Clock,
  type DeclaredHandler,
  ExactlyOnceError,
  type HandlerStore,
  type KnownHandler,
  type Storage,
  systemClock,
  type Transaction,
} from '@exactly-once/core';
import { InMemoryLog } from './in-memory-log.js';
import {
  InMemoryDeadLetters,
  InMemoryFences,
  InMemoryInbox,
  InMemoryLeases,
  InMemoryOutbox,
} from './in-memory-stores.js';
import { InMemoryTransaction } from './in-memory-transaction.js';

/** A table for the effects of handlers: rows join the ambient transaction. */
export interface InMemoryTable<T> {
  readonly rows: readonly T[];
  append(row: T): void;
}

export class InMemoryStorage implements Storage {
  readonly name = 'memory';
  readonly ambient = new AmbientScope();
  readonly inbox: InMemoryInbox;
  readonly outbox: InMemoryOutbox;
  readonly fences = new InMemoryFences();
  readonly leases: InMemoryLeases;
  readonly handlers: HandlerStore = { register: (...given) => this.#register(...given) };
  readonly deadLetters = new InMemoryDeadLetters();
  readonly log: InMemoryLog;
  readonly #known: (KnownHandler & { service: string })[] = [];

  constructor(readonly clock: Clock = systemClock) {
    this.inbox = new InMemoryInbox(clock);
    this.leases = new InMemoryLeases(clock);
    this.log = new InMemoryLog(clock, this.fences);
    this.outbox = new InMemoryOutbox(clock, this.leases);
  }

  async open(): Promise<void> {}

  async close(): Promise<void> {}

  async ping(): Promise<void> {}

  async begin(): Promise<Transaction> {
    return new InMemoryTransaction(this.outbox.append);
  }

  translate(error: unknown): unknown {
    return error;
  }

  table<T>(): InMemoryTable<T> {
    const rows: T[] = [];
    return {
      rows,
      append: (row) => {
        const scope = this.ambient.current();
        if (scope === undefined) {
          rows.push(row);
          return;
        }
        if (!scope.open) {
          const error = new ExactlyOnceError(
            'EO_TRANSACTION_ENDED',
            'a row was appended after its event had ended',
          );
          scope.violation ??= error;
          throw error;
        }
        (scope.transaction as InMemoryTransaction).change(
          () => rows.push(row),
          () => rows.splice(rows.indexOf(row), 1),
        );
      },
    };
  }

  async #register(
    service: string,
    declared: readonly DeclaredHandler[],
    decide: (known: readonly KnownHandler[], inboxFilled: boolean) => void,
  ): Promise<KnownHandler[]> {
    const known = this.#known.filter((one) => one.service === service);
    decide(known, this.inbox.size > 0);
    return declared.map(({ name, renamedFrom }) => {
      const same = known.find(
        (one) => one.name === name || one.renamedFrom === name || one.name === renamedFrom,
      );
      if (same === undefined) {
        const fresh = {
          id: this.#known.length + 1,
          service,
          name,
          renamedFrom: null,
          identity: name,
          generation: 1,
        };
        this.#known.push(fresh);
        return fresh;
      }
      const renamed = same.name === name ? same : { ...same, name, renamedFrom: same.name };
      this.#known[this.#known.indexOf(same)] = renamed;
      return renamed;
    });
  }
}
