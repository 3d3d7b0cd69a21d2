/**
 * Names of handlers on PostgreSQL. Read and written at start, before any event is admitted.
 *
 * Concurrent starts are serialised by a lock on the table. No two handlers ever share an identity.
 */
import {
  type DeclaredHandler,
  ExactlyOnceError,
  type GroupHandler,
  type HandlerStore,
  type KnownHandler,
} from '@exactly-once/core';
import {
  handlersOfGroupSql,
  inboxFilledSql,
  insertHandlerSql,
  knownHandlersSql,
  lockHandlersSql,
  recordIntakesSql,
  renameHandlerSql,
  retireHandlersSql,
  shortestWindowSql,
} from './handler.sql.js';
import type { PostgresPool, Statements } from './postgres-pool.js';
import type { Tables } from './tables.js';

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
    const { tables } = this.pool;
    return this.pool.transaction(async (query) => {
      await query(lockHandlersSql(tables));
      const known = await readKnown(query, tables, service, declared);
      refuseForeign(service, declared, known);
      const filled = await query(inboxFilledSql(tables), [known.map(({ id }) => id)]);
      decide(known, filled.rows[0].filled);
      const registration = new Registration(query, tables, service, known);
      const registered = new Map<string, KnownHandler>();
      for (const one of renamesFirst(declared)) registered.set(one.name, await registration.record(one));
      await registration.retireOthers();
      await query(recordIntakesSql(tables), intakes(declared, registered));
      return declared.map(({ name }) => registered.get(name)!);
    });
  }

  async ofGroup(group: string): Promise<GroupHandler[]> {
    const { rows } = await this.pool.query(handlersOfGroupSql(this.pool.tables), [group]);
    return rows.map(({ id, name, generation, topic, dedup }) => ({ id, name, generation, topic, dedup }));
  }

  async windowDays(): Promise<number | null> {
    const { rows } = await this.pool.query(shortestWindowSql(this.pool.tables));
    return rows[0].days;
  }
}

function intakes(
  declared: readonly DeclaredHandler[],
  registered: ReadonlyMap<string, KnownHandler>,
): unknown[] {
  return [
    declared.map(({ name }) => registered.get(name)!.id),
    declared.map(({ consumes }) => consumes?.group ?? null),
    declared.map(({ consumes }) => consumes?.topic ?? null),
    declared.map(({ consumes }) => consumes?.dedup ?? null),
    declared.map(({ windowDays }) => windowDays ?? null),
  ];
}

/** Writes declared handlers, one after another; each database row is taken by one of them. */
class Registration {
  readonly #query: Statements;
  readonly #tables: Tables;
  readonly #service: string;
  readonly #free: Set<HandlerRow>;

  constructor(query: Statements, tables: Tables, service: string, known: readonly HandlerRow[]) {
    this.#query = query;
    this.#tables = tables;
    this.#service = service;
    this.#free = new Set(known);
  }

  async record({ name, renamedFrom, isNew }: DeclaredHandler): Promise<KnownHandler> {
    const same = this.#take((row) => row.name === name);
    if (same !== undefined) return same;
    const former = this.#take((row) => row.name === renamedFrom);
    if (former !== undefined) {
      const { rows } = await this.#query(renameHandlerSql(this.#tables), [former.id, name, former.name]);
      return handlerRow(rows[0]);
    }
    // The old version of a service, started beside the new one that renamed its handler.
    const renamed = isNew ? undefined : this.#take((row) => row.renamedFrom === name);
    if (renamed !== undefined) return { ...renamed, name };
    const { rows } = await this.#query(insertHandlerSql(this.#tables), [this.#service, name]);
    const row = handlerRow(rows[0]);
    refuseForeign(this.#service, [{ name }], [row]);
    return row;
  }

  /** Handlers that nobody declares any more, and that the decision let go. */
  async retireOthers(): Promise<void> {
    const gone = [...this.#free].filter((row) => row.service === this.#service).map(({ id }) => id);
    if (gone.length > 0) await this.#query(retireHandlersSql(this.#tables), [gone]);
  }

  #take(fits: (row: HandlerRow) => boolean): HandlerRow | undefined {
    const found = [...this.#free].find(fits);
    if (found !== undefined) this.#free.delete(found);
    return found;
  }
}

/** A renamed handler takes its row before a new one that goes by its former name looks for one. */
function renamesFirst(declared: readonly DeclaredHandler[]): DeclaredHandler[] {
  const renamed = declared.filter(({ renamedFrom }) => renamedFrom !== undefined);
  return [...renamed, ...declared.filter(({ renamedFrom }) => renamedFrom === undefined)];
}

async function readKnown(
  query: Statements,
  tables: Tables,
  service: string,
  declared: readonly DeclaredHandler[],
): Promise<HandlerRow[]> {
  const names = declared.flatMap(({ name, renamedFrom }) =>
    renamedFrom === undefined ? [name] : [name, renamedFrom],
  );
  const { rows } = await query(knownHandlersSql(tables), [service, names]);
  return rows.map(handlerRow);
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
