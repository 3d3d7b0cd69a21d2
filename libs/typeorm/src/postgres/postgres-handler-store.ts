/** Names of handlers on PostgreSQL. Concurrent starts are serialised by a lock on the table. */
import {
  type DeclaredHandler,
  ExactlyOnceError,
  type HandlerStore,
  type KnownHandler,
} from '@exactly-once/core';
import {
  inboxFilledSql,
  insertHandlerSql,
  knownHandlersSql,
  lockHandlersSql,
  renameHandlerSql,
  retireHandlersSql,
} from './handler.sql.js';
import type { PostgresConnection } from './postgres-connection.js';
import type { PostgresPool } from './postgres-pool.js';

interface HandlerRow extends KnownHandler {
  readonly service: string;
}

export class PostgresHandlerStore implements HandlerStore {
  constructor(readonly pool: PostgresPool) {}

  async register(
    service: string,
    declared: readonly DeclaredHandler[],
    decide: (known: readonly KnownHandler[], inboxFilled: boolean) => void,
  ): Promise<KnownHandler[]> {
    return this.pool.transaction(async (connection) => {
      await connection.query(lockHandlersSql(this.pool.tables));
      const known = await this.#known(connection, service, declared);
      refuseForeign(service, declared, known);
      decide(known, await this.#filled(connection, known));
      const registered: KnownHandler[] = [];
      for (const one of declared) registered.push(await this.#record(connection, service, one, known));
      const kept = new Set(registered.map(({ id }) => id));
      const gone = known.filter((row) => row.service === service && !kept.has(row.id)).map(({ id }) => id);
      if (gone.length > 0) await connection.query(retireHandlersSql(this.pool.tables), [gone]);
      return registered;
    });
  }

  async #known(
    connection: PostgresConnection,
    service: string,
    declared: readonly DeclaredHandler[],
  ): Promise<HandlerRow[]> {
    const names = declared.flatMap(({ name, renamedFrom }) =>
      renamedFrom === undefined ? [name] : [name, renamedFrom],
    );
    const { rows } = await connection.query(knownHandlersSql(this.pool.tables), [service, names]);
    return rows.map(handlerRow);
  }

  async #filled(connection: PostgresConnection, known: readonly KnownHandler[]): Promise<boolean> {
    const { rows } = await connection.query(inboxFilledSql(this.pool.tables), [known.map(({ id }) => id)]);
    return rows[0].filled;
  }

  async #record(
    connection: PostgresConnection,
    service: string,
    { name, renamedFrom }: DeclaredHandler,
    known: readonly HandlerRow[],
  ): Promise<KnownHandler> {
    const same = known.find((row) => row.name === name) ?? known.find((row) => row.renamedFrom === name);
    if (same !== undefined) return { ...same, name };
    const former = known.find((row) => renamedFrom !== undefined && row.name === renamedFrom);
    const { rows } =
      former === undefined
        ? await connection.query(insertHandlerSql(this.pool.tables), [service, name])
        : await connection.query(renameHandlerSql(this.pool.tables), [former.id, name, former.name]);
    const row = handlerRow(rows[0]);
    refuseForeign(service, [{ name }], [row]);
    return row;
  }
}

/** One name in one database is one handler: two services that share it would swallow each other's events. */
function refuseForeign(
  service: string,
  declared: readonly DeclaredHandler[],
  known: readonly HandlerRow[],
): void {
  const names = new Set(declared.map(({ name }) => name));
  const foreign = known.find((row) => row.service !== service && names.has(row.name));
  if (foreign === undefined) return;
  const what = `handler "${foreign.name}" belongs to service "${foreign.service}" in this database`;
  throw new ExactlyOnceError('EO_HANDLER_DUPLICATE', what);
}

function handlerRow(row: Record<string, unknown>): HandlerRow {
  return {
    id: row['id'] as number,
    service: row['service'] as string,
    name: row['name'] as string,
    renamedFrom: row['renamed_from'] as string | null,
    identity: row['identity'] as string,
    generation: row['generation'] as number,
  };
}
