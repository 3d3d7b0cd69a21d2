/**
 * The driver's client as users' code may have it inside an event's transaction.
 *
 * Every statement is checked, counted as pending in its scope until it is answered, and its error remembered.
 * The client cannot be released or ended from here.
 */
import { ExactlyOnceError, type Scope } from '@exactly-once/core';
import type { PostgresClient } from './postgres/postgres-client.js';
import type { PostgresTransaction } from './postgres/postgres-transaction.js';
import { assertAllowed } from './statement-guard.js';

type Callback = (...results: unknown[]) => void;

/** What pg calls a query object: a cursor, a stream, a COPY. */
interface Submittable {
  submit: unknown;
  text?: string;
  cursor?: { text?: string };
  once?(event: string, listener: Callback): unknown;
}

export class AmbientClient {
  readonly scope: Scope;
  readonly #transaction: PostgresTransaction;
  #guarded: PostgresClient | null = null;

  constructor(scope: Scope) {
    this.scope = scope;
    this.#transaction = scope.transaction as PostgresTransaction;
  }

  /** For statements that were checked and counted already. */
  readonly counted = {
    query: (text: string, values?: readonly unknown[]) =>
      this.#transaction.gate.pass(this.scope, () =>
        this.#transaction.connection.inTurn(() => {
          this.assertOpen(); // it may have waited for its turn beyond the end
          return this.#client.query(text, values).catch(this.#noted);
        }),
      ),
  };

  readonly #noted = (error: unknown): never => {
    throw this.#transaction.note(error);
  };

  /** pg's client behind a proxy with all the checks. */
  guarded(): PostgresClient {
    this.assertOpen();
    this.#guarded ??= this.#makeGuarded();
    return this.#guarded;
  }

  /** Throws EO_TRANSACTION_ENDED, EO_TRANSACTION_OWNED. */
  check(sql: string): void {
    this.assertOpen();
    try {
      assertAllowed(sql, this.#transaction.shared);
    } catch (error) {
      throw this.refuse(error as ExactlyOnceError);
    }
  }

  assertOpen(): void {
    if (this.scope.open && this.#transaction.state === 'open') return;
    const handler = this.scope.invocation?.handler.name ?? 'a transaction';
    throw this.refuse(
      new ExactlyOnceError('EO_TRANSACTION_ENDED', `${handler} ran a statement after its event had ended`),
    );
  }

  /** Nothing of this event may commit then, also where its handler swallows the error. Returns it. */
  refuse(error: ExactlyOnceError): ExactlyOnceError {
    this.scope.violation ??= error;
    return error;
  }

  async counting<T>(statement: () => Promise<T>): Promise<T> {
    this.scope.pending++;
    try {
      return await statement();
    } finally {
      this.scope.pending--;
    }
  }

  get #client(): PostgresClient {
    return this.#transaction.connection.client;
  }

  #makeGuarded(): PostgresClient {
    const members: Record<string | symbol, unknown> = {
      query: (...parameters: unknown[]) => this.#query(parameters),
      release: () => undefined,
      end: () => {
        throw this.refuse(new ExactlyOnceError('EO_TRANSACTION_OWNED', 'a handler ended the connection'));
      },
    };
    return new Proxy(this.#client, {
      get: (target, property) => {
        if (Object.hasOwn(members, property)) return members[property];
        const value: unknown = Reflect.get(target, property, target);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
  }

  /** As pg's `query`: with a promise, with a callback, or with a query object. */
  #query(parameters: unknown[]): unknown {
    const [first] = parameters;
    const callback = parameters.findIndex((parameter) => typeof parameter === 'function');
    if (isSubmittable(first)) return this.#submit(first, parameters);
    const text = typeof first === 'string' ? first : String((first as { text?: unknown })?.text ?? '');
    if (callback !== -1) {
      this.check(text);
      return this.#withCallback(parameters, callback);
    }
    return this.counting(async () => {
      this.check(text);
      return this.counted.query(...(parameters as [string, unknown[]?]));
    });
  }

  #withCallback(parameters: unknown[], index: number): unknown {
    const answered = this.#began();
    const callback = parameters[index] as Callback;
    const wrapped: Callback = (error, ...results) => {
      answered(error);
      callback(error, ...results);
    };
    const send = async () => {
      this.assertOpen();
      this.#send(parameters.with(index, wrapped));
    };
    void this.#transaction.gate.pass(this.scope, send).catch(wrapped);
    return undefined;
  }

  #submit(query: Submittable, parameters: unknown[]): unknown {
    this.check(String(query.text ?? query.cursor?.text ?? ''));
    if (this.#client.pipeline === true) throw this.refuse(noCursor());
    const answered = this.#began();
    query.once?.('error', answered);
    query.once?.('end', () => answered(null));
    query.once?.('close', () => answered(null));
    return this.#send(parameters);
  }

  #send(parameters: unknown[]): unknown {
    return (this.#client.query as (...parameters: unknown[]) => unknown).apply(this.#client, parameters);
  }

  /** Counts a statement; what it returns is to be called with its error, or without, and counts once. */
  #began(): (error: unknown) => void {
    const { connection } = this.#transaction;
    this.scope.pending++;
    connection.inFlight++;
    let running = true;
    return (error) => {
      if (!running) return;
      running = false;
      this.scope.pending--;
      connection.inFlight--;
      if (error) this.#transaction.note(error);
    };
  }
}

/** Its portal would stay open while other lanes' statements are answered out of it. */
function noCursor(): ExactlyOnceError {
  const what =
    'a handler ran a cursor, a stream or a COPY in a pipelined transaction; read in pages, or use `commit: "event"` ' +
    'on a DataSource without `pipeline`';
  return new ExactlyOnceError('EO_TRANSACTION_OWNED', what);
}

function isSubmittable(value: unknown): value is Submittable {
  return typeof (value as Submittable | null)?.submit === 'function';
}
