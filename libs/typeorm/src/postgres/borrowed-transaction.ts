/**
 * Publishes into a transaction that the user began with TypeORM: `dataSource.transaction(manager => …)`, or a runner of
 * their own. Step 1 of an event's life.
 *
 * Never commits, rolls back or releases anything: the transaction is the user's.
 */
import { randomUUID } from 'node:crypto';
import {
  type BorrowedTransaction,
  ExactlyOnceError,
  type Scope,
  type WrittenEntry,
} from '@exactly-once/core';
import type { DataSource, QueryRunner } from 'typeorm';
import { scopeOfRunner } from '../ambient-runner.js';
import { markWithinSql } from './outbox.sql.js';
import { appendingWithin } from './outbox-append.js';
import type { Tables } from './tables.js';

/** An EntityManager, of which TypeORM 0.3 calls the DataSource `connection`. */
interface Manager {
  readonly dataSource?: DataSource;
  readonly connection?: DataSource;
  readonly queryRunner?: QueryRunner;
}

type Used = 'isTransactionActive' | 'isReleased' | 'query' | 'commitTransaction' | 'rollbackTransaction';

/** What of a runner is used; 0.3 declares the depth protected. */
interface Runner extends Pick<QueryRunner, Used> {
  readonly transactionDepth: number;
}

/** `handle`: an EntityManager of that DataSource. Throws EO_NO_TRANSACTION and EO_OPTION_INVALID. */
export function borrowTransaction(
  dataSource: DataSource,
  tables: Tables,
  handle: object,
): BorrowedTransaction | Scope {
  const manager = handle as Manager;
  const of = manager.dataSource ?? manager.connection;
  if (of === undefined || 'startTransaction' in handle) {
    throw invalid('what was given is no EntityManager; of a QueryRunner, give its `manager`');
  }
  if (of !== dataSource) throw invalid('the EntityManager is of another DataSource than the outbox');
  const runner = manager.queryRunner as unknown as Runner | undefined;
  const scope = runner && scopeOfRunner(runner);
  if (scope !== undefined) return scope;
  if (runner?.isTransactionActive !== true || runner.isReleased) {
    throw new ExactlyOnceError('EO_NO_TRANSACTION', 'the EntityManager is in no open transaction');
  }
  return new BorrowedPostgresTransaction(runner, tables);
}

class BorrowedPostgresTransaction implements BorrowedTransaction {
  /** Of the transaction that was open when it was borrowed: a runner may begin another one meanwhile. */
  readonly #watched: Watched;

  constructor(
    readonly runner: Runner,
    readonly tables: Tables,
  ) {
    this.#watched = watched(runner);
  }

  async append(entries: readonly WrittenEntry[], committed: () => void): Promise<void> {
    const { runner } = this;
    const { mark, listeners } = this.#watched;
    if (!runner.isTransactionActive || runner.isReleased || transactions.get(runner) !== this.#watched)
      throw ended();
    await runner.query(markWithinSql, [mark]);
    const rows = await runner.query(...appendingWithin(this.tables, entries, mark));
    if (rows[0]?.appended !== entries.length) throw ended();
    listeners.add(committed);
  }
}

/** A transaction of a runner, from the first time that it was borrowed. */
interface Watched {
  /** The same for all that is published in it: publications may run side by side. */
  readonly mark: string;
  /** Called after its commit. */
  readonly listeners: Set<() => void>;
}

const transactions = new WeakMap<Runner, Watched>();
const seen = new WeakSet<Runner>();

function watched(runner: Runner): Watched {
  const present = transactions.get(runner);
  if (present !== undefined) return present;
  const fresh = { mark: randomUUID(), listeners: new Set<() => void>() };
  transactions.set(runner, fresh);
  seeEnds(runner);
  return fresh;
}

/** An end that is said as text is not seen: the relay then finds the events by itself. */
function seeEnds(runner: Runner): void {
  if (seen.has(runner)) return;
  seen.add(runner);
  const { commitTransaction, rollbackTransaction } = runner;
  const forget = () => {
    const ended = transactions.get(runner);
    if (runner.transactionDepth === 0) transactions.delete(runner);
    return runner.transactionDepth === 0 ? ended : undefined;
  };
  runner.commitTransaction = async () => {
    await commitTransaction.call(runner);
    for (const listener of forget()?.listeners ?? []) listener();
  };
  runner.rollbackTransaction = async () => {
    await rollbackTransaction.call(runner);
    forget();
  };
}

function invalid(what: string): ExactlyOnceError {
  return new ExactlyOnceError('EO_OPTION_INVALID', `outbox.within: ${what}`);
}

function ended(): ExactlyOnceError {
  const what = 'an event was published within a transaction that had ended: its publication was not awaited';
  return new ExactlyOnceError('EO_TRANSACTION_ENDED', what);
}
