/**
 * A query runner for users' code inside an event's transaction: the open runner behind a proxy.
 *
 * `release` does nothing, nested transactions are savepoints, and whatever would end the framework's own
 * transaction, or write after it, is refused. TypeORM at depth 1 would end our transaction: so each proxy
 * counts its own depth.
 */
import { ExactlyOnceError, type Scope } from '@exactly-once/core';
import type { DataSource, EntityManager, QueryRunner } from 'typeorm';
import type { PostgresClient } from './postgres/postgres-connection.js';
import type { PostgresTransaction } from './postgres/postgres-transaction.js';
import { assertAllowed } from './statement-guard.js';

type Method = (...parameters: never[]) => unknown;

export function ambientRunner(dataSource: DataSource, scope: Scope): QueryRunner {
  const ambient = new AmbientRunner(dataSource, scope);
  return ambient.proxy;
}

class AmbientRunner {
  readonly proxy: QueryRunner;
  readonly #scope: Scope;
  readonly #transaction: PostgresTransaction;
  readonly #target: QueryRunner;
  /** Lengths of the outbox buffer at each nested start of this proxy. */
  readonly #nested: number[] = [];
  readonly #own: Readonly<Record<string, Method>>;
  #manager: EntityManager | null = null;

  constructor(
    readonly dataSource: DataSource,
    scope: Scope,
  ) {
    this.#scope = scope;
    this.#transaction = scope.transaction as PostgresTransaction;
    this.#target = this.#transaction.connection.runner as unknown as QueryRunner;
    this.#own = {
      connect: () => this.#connect(),
      release: () => Promise.resolve(),
      query: (sql: string, parameters?: unknown[], structured?: boolean) =>
        this.#query(sql, parameters, structured),
      startTransaction: (...parameters: unknown[]) => this.#start(parameters),
      commitTransaction: () => this.#commit(),
      rollbackTransaction: () => this.#rollback(),
    };
    this.proxy = new Proxy(this.#target, {
      get: (target, property) => this.#get(target, property),
    });
  }

  #get(target: QueryRunner, property: string | symbol): unknown {
    if (typeof property === 'string' && Object.hasOwn(this.#own, property)) return this.#own[property];
    if (property === 'manager') return this.#managerOfProxy();
    if (property === 'isReleased') return false; // a late query is to meet our refusal, which says why
    const value: unknown = Reflect.get(target, property, target);
    if (typeof value !== 'function') return value;
    return (...parameters: unknown[]) => {
      this.#assertOpen();
      return this.#counted(() => value.apply(target, parameters));
    };
  }

  #managerOfProxy(): EntityManager {
    this.#manager ??= this.dataSource.createEntityManager(this.proxy);
    return this.#manager;
  }

  async #query(sql: string, parameters?: unknown[], structured?: boolean): Promise<unknown> {
    this.#assertOpen();
    this.#assertAllowed(sql);
    return this.#counted(() =>
      (this.#target.query as Method).call(
        this.#target,
        sql as never,
        parameters as never,
        structured as never,
      ),
    );
  }

  /** Users' code that takes the driver's client gets one with the same checks. */
  async #connect(): Promise<PostgresClient> {
    this.#assertOpen();
    const { client } = this.#transaction.connection;
    const query = (...parameters: unknown[]) => {
      this.#assertOpen();
      const [first] = parameters;
      this.#assertAllowed(
        typeof first === 'string' ? first : String((first as { text?: unknown })?.text ?? ''),
      );
      return this.#counted(() => (client.query as Method).apply(client, parameters as never[]));
    };
    return new Proxy(client, {
      get: (target, property) => (property === 'query' ? query : Reflect.get(target, property, target)),
    });
  }

  async #start(parameters: unknown[]): Promise<void> {
    this.#assertOpen();
    this.#nested.push(this.#transaction.outgoing.length);
    await this.#counted(() =>
      (this.#target.startTransaction as Method).apply(this.#target, parameters as never[]),
    );
  }

  async #commit(): Promise<void> {
    this.#requireNested('commitTransaction');
    await this.#counted(() => this.#target.commitTransaction());
    this.#nested.pop();
  }

  async #rollback(): Promise<void> {
    this.#requireNested('rollbackTransaction');
    const mark = this.#nested.pop()!;
    await this.#counted(() => this.#target.rollbackTransaction());
    this.#transaction.outgoing.length = mark;
    this.#transaction.firstError = null;
  }

  #requireNested(what: string): void {
    this.#assertOpen();
    if (this.#nested.length > 0) return;
    throw this.#refuse(
      new ExactlyOnceError(
        'EO_TRANSACTION_OWNED',
        `${what} was called without a startTransaction of its own`,
      ),
    );
  }

  #assertAllowed(sql: string): void {
    try {
      assertAllowed(sql, this.#transaction.shared);
    } catch (error) {
      throw this.#refuse(error as ExactlyOnceError);
    }
  }

  #assertOpen(): void {
    if (this.#scope.open && this.#transaction.state === 'open') return;
    const handler = this.#scope.invocation?.context.handler ?? 'a transaction';
    throw this.#refuse(
      new ExactlyOnceError('EO_TRANSACTION_ENDED', `${handler} ran a statement after its event had ended`),
    );
  }

  /** Also where the handler swallows it: nothing of this event may commit then. */
  #refuse(error: ExactlyOnceError): ExactlyOnceError {
    this.#scope.violation ??= error;
    return error;
  }

  async #counted<T>(statement: () => T | Promise<T>): Promise<T> {
    this.#scope.pending++;
    this.#transaction.connection.inFlight++;
    try {
      return await statement();
    } catch (error) {
      throw this.#transaction.note(error);
    } finally {
      this.#scope.pending--;
      this.#transaction.connection.inFlight--;
    }
  }
}
