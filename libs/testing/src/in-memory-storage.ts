/**
 * A storage without a server, for tests of handlers and of the framework: transactions, locks and all.
 *
 * Keeps nothing beyond the process, and promises nothing about speed.
 */
import {
  AmbientScope,
  type Clock,
  ExactlyOnceError,
  type Storage,
  systemClock,
  type Transaction,
} from '@exactly-once/core';
import { InMemoryDeadLetters } from './in-memory-dead-letters.js';
import { InMemoryHandlers } from './in-memory-handlers.js';
import { InMemoryLeases } from './in-memory-leases.js';
import { InMemoryLog } from './in-memory-log.js';
import { InMemoryOutbox } from './in-memory-outbox.js';
import { InMemoryOverview } from './in-memory-overview.js';
import { InMemoryParked } from './in-memory-parked.js';
import { InMemoryRewinds } from './in-memory-rewinds.js';
import { InMemoryFences, InMemoryInbox } from './in-memory-stores.js';
import { InMemoryTransaction } from './in-memory-transaction.js';

/** A table for the effects of handlers: rows join the ambient transaction. */
export interface InMemoryTable<T> {
  readonly rows: readonly T[];
  append(row: T): void;
}

export class InMemoryStorage implements Storage {
  readonly name = 'memory';
  readonly features = {
    concurrentStatements: false,
    concurrentStatementsRemedy: 'its nested transactions are not kept apart',
    connections: null,
  };
  readonly ambient = new AmbientScope();
  readonly inbox: InMemoryInbox;
  readonly outbox: InMemoryOutbox;
  readonly fences: InMemoryFences;
  readonly leases: InMemoryLeases;
  readonly handlers: InMemoryHandlers;
  readonly deadLetters: InMemoryDeadLetters;
  readonly parked: InMemoryParked;
  readonly overview: InMemoryOverview;
  readonly rewinds: InMemoryRewinds;
  readonly log: InMemoryLog;

  constructor(readonly clock: Clock = systemClock) {
    this.inbox = new InMemoryInbox(clock, (key) => this.parked.holds(key) || this.deadLetters.holds(key));
    this.handlers = new InMemoryHandlers(this.inbox.filled);
    this.parked = new InMemoryParked(
      (id) => this.handlers.nameOf(id),
      () => clock.now(),
    );
    this.deadLetters = new InMemoryDeadLetters(clock, this.parked, this.handlers);
    this.fences = new InMemoryFences(() => this.parked.any);
    this.overview = new InMemoryOverview(this);
    this.leases = new InMemoryLeases(clock);
    this.log = new InMemoryLog(clock, this.fences);
    this.outbox = new InMemoryOutbox(clock, this.leases);
    this.rewinds = new InMemoryRewinds(this);
  }

  async open(): Promise<void> {}

  async close(): Promise<void> {}

  async ping(): Promise<void> {}

  async begin(): Promise<Transaction> {
    const transaction: InMemoryTransaction = new InMemoryTransaction((entries) =>
      this.outbox.append(entries, transaction),
    );
    return transaction;
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
}
