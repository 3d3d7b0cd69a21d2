/**
 * A query runner for users' code inside an event's transaction: the open runner behind a proxy.
 *
 * `release` does nothing, nested transactions are savepoints of ours (TypeORM at depth 1 would end our
 * transaction), and whatever would end the framework's transaction, or write after it, is refused. A refusal
 * stands in the scope's `violation`, so that nothing of the event commits where its handler swallows it.
 */
import { ExactlyOnceError, isExactlyOnceError, type Scope } from '@exactly-once/core';
import type { DataSource, EntityManager, QueryRunner } from 'typeorm';
import { AmbientClient } from './ambient-client.js';
import type { PostgresTransaction } from './postgres/postgres-transaction.js';
import type { Savepoint } from './postgres/savepoints.js';

type Method = (...parameters: unknown[]) => Promise<unknown>;
type Broadcaster = QueryRunner['broadcaster'];

const scopes = new WeakMap<object, Scope>();

/** One for each call of `createQueryRunner`. `scope` is open. */
export function ambientRunner(dataSource: DataSource, scope: Scope): QueryRunner {
  const { proxy } = new AmbientRunner(dataSource, scope);
  scopes.set(proxy, scope);
  return proxy;
}

/** Whose runner it is; `undefined` for one of the user's own. */
export function scopeOfRunner(runner: object): Scope | undefined {
  return scopes.get(runner);
}

class AmbientRunner {
  readonly proxy: QueryRunner;
  readonly #dataSource: DataSource;
  readonly #client: AmbientClient;
  readonly #transaction: PostgresTransaction;
  readonly #target: QueryRunner;
  /** What users' code finds instead of the open runner's own members, once it was asked for. */
  readonly #own: Record<string | symbol, unknown> = {};
  /** Nested transactions that this proxy began; `null` for one whose start failed. */
  readonly #nested: (Savepoint | null)[] = [];
  #manager: EntityManager | null = null;
  #checked: QueryRunner | null = null;

  constructor(dataSource: DataSource, scope: Scope) {
    this.#dataSource = dataSource;
    this.#client = new AmbientClient(scope);
    this.#transaction = scope.transaction as PostgresTransaction;
    this.#target = this.#transaction.connection.runner as unknown as QueryRunner;
    this.proxy = new Proxy(this.#target, {
      get: (target, property) => this.#get(target, property),
      set: (target, property, value) =>
        Reflect.set(Object.hasOwn(members, property) ? this.#own : target, property, value),
    });
  }

  static readonly members = {
    broadcaster: (runner: AmbientRunner) => runner.#broadcaster(),
    data: () => ({}),
    // A late query is to meet our refusal, which says why; not TypeORM's, which does not.
    isReleased: () => false,
    connect: (runner: AmbientRunner) => async () => runner.#client.guarded(),
    release: () => nothing,
    releasePostgresConnection: () => nothing,
    query:
      (runner: AmbientRunner) =>
      (...parameters: unknown[]) =>
        runner.#query(parameters),
    startTransaction: (runner: AmbientRunner) => (isolation?: string) => runner.#start(isolation),
    commitTransaction: (runner: AmbientRunner) => () => runner.#commit(),
    rollbackTransaction: (runner: AmbientRunner) => () => runner.#rollback(),
    // TypeORM's own would commit the whole transaction, at whatever depth.
    [Symbol.asyncDispose]: (runner: AmbientRunner) => () => runner.#dispose(),
  };

  #get(target: QueryRunner, property: string | symbol): unknown {
    if (property === 'manager') {
      this.#manager ??= this.#dataSource.createEntityManager(this.proxy);
      return this.#manager;
    }
    if (Object.hasOwn(this.#own, property)) return this.#own[property];
    // Called on the proxy: its statements take the ways above.
    if (!Object.hasOwn(members, property)) return Reflect.get(target, property, target);
    const made: unknown = members[property as keyof typeof members](this);
    this.#own[property] = made;
    return made;
  }

  #broadcaster(): Broadcaster {
    const Broadcasting = this.#target.broadcaster.constructor as new (runner: QueryRunner) => Broadcaster;
    return new Broadcasting(this.proxy);
  }

  /** The open runner as its own `query` sees it: checked before, with subscribers that get the proxy. */
  #seenByQuery(): QueryRunner {
    this.#checked ??= new Proxy(this.#target, {
      get: (target, property) => {
        if (property === 'connect') return this.#connectCounted;
        if (property === 'isReleased') return false;
        if (property === 'broadcaster') return this.proxy.broadcaster;
        return Reflect.get(target, property, target);
      },
    });
    return this.#checked;
  }

  readonly #connectCounted = () => this.#client.counted;

  async #query(parameters: unknown[]): Promise<unknown> {
    this.#client.check(String(parameters[0]));
    const { query } = this.#target as unknown as { query: Method };
    const { scope } = this.#client;
    scope.pending++;
    try {
      return await query.apply(this.#seenByQuery(), parameters);
    } catch (error) {
      const { driverError } = error as { driverError?: unknown };
      throw isExactlyOnceError(driverError) ? driverError : error; // a refusal is no failed query
    } finally {
      scope.pending--;
    }
  }

  async #start(isolation?: string): Promise<void> {
    try {
      this.#client.assertOpen();
      this.#assertIsolation(isolation);
      await this.proxy.broadcaster.broadcast('BeforeTransactionStart');
      this.#nested.push(await this.#client.counting(() => this.#setSavepoint()));
    } catch (error) {
      this.#nested.push(null); // TypeORM rolls back what it could not start
      throw error;
    }
    this.#client.scope.pending++; // a handler that leaves it open has not awaited it
    await this.proxy.broadcaster.broadcast('AfterTransactionStart');
  }

  async #setSavepoint(): Promise<Savepoint> {
    const { scope } = this.#client;
    try {
      await this.#transaction.enter(scope);
    } catch (error) {
      throw this.#client.refuse(error as ExactlyOnceError);
    }
    try {
      return await this.#transaction.savepoints.set(scope);
    } catch (error) {
      this.#transaction.gate.leave(scope);
      throw error;
    }
  }

  async #commit(): Promise<void> {
    const savepoint = this.#requireNested('commitTransaction');
    if (savepoint === null) throw this.#client.refuse(noStart('commitTransaction'));
    this.#assertInnermost(savepoint);
    await this.proxy.broadcaster.broadcast('BeforeTransactionCommit');
    await this.#client.counting(() => this.#transaction.savepoints.release(savepoint));
    this.#ended();
    await this.proxy.broadcaster.broadcast('AfterTransactionCommit');
  }

  async #rollback(): Promise<void> {
    const savepoint = this.#requireNested('rollbackTransaction');
    if (savepoint === null) {
      this.#nested.pop();
      return;
    }
    this.#assertInnermost(savepoint);
    await this.proxy.broadcaster.broadcast('BeforeTransactionRollback');
    await this.#client.counting(() => this.#transaction.savepoints.rollBackTo(savepoint));
    this.#ended();
    await this.proxy.broadcaster.broadcast('AfterTransactionRollback');
  }

  async #dispose(): Promise<void> {
    while (this.#nested.length > 0) await this.#commit();
  }

  #ended(): void {
    this.#nested.pop();
    this.#client.scope.pending--;
    this.#transaction.gate.leave(this.#client.scope);
  }

  #requireNested(what: string): Savepoint | null {
    this.#client.assertOpen();
    const savepoint = this.#nested.at(-1);
    if (savepoint === undefined) throw this.#client.refuse(noStart(what));
    return savepoint;
  }

  /** TypeORM passes by an isolation level that a savepoint cannot have; nobody would notice what is missing. */
  #assertIsolation(isolation: string | undefined): void {
    const { isolation: level } = this.#transaction;
    if (isolation === undefined || isolation === level) return;
    const what = `a nested transaction asked for ${isolation} inside one of ${level}`;
    throw this.#client.refuse(new ExactlyOnceError('EO_TRANSACTION_OWNED', what));
  }

  #assertInnermost(savepoint: Savepoint): void {
    try {
      this.#transaction.savepoints.assertInnermost(savepoint);
    } catch (error) {
      throw this.#client.refuse(error as ExactlyOnceError);
    }
  }
}

const { members } = AmbientRunner;

function noStart(what: string): ExactlyOnceError {
  return new ExactlyOnceError(
    'EO_TRANSACTION_OWNED',
    `${what} was called without a startTransaction of its own`,
  );
}

async function nothing(): Promise<void> {}
