/**
 * What stands in the user's tables, to be compared, and to be put back.
 *
 * Values that the database makes (serial numbers, default times and uuids, and references to them) are left out of a
 * comparison: a run that was rolled back has used some up. What is put back is what the server itself wrote, and no
 * trigger fires.
 */
import { ExactlyOnceError } from '@exactly-once/core';
import type { DataSource } from '../application/peers.js';
import { valueText } from './made-values.js';
import {
  checkNowSql,
  columnsSql,
  countSql,
  disableTriggerSql,
  enableTriggerSql,
  insertSql,
  ownTablesSql,
  referencesSql,
  rowsSql,
  tablesSql,
  triggersSql,
  truncateSql,
} from './tables.sql.js';

export type Row = Readonly<Record<string, unknown>>;
/** By the table's label, in no order. */
export type Rows = ReadonlyMap<string, readonly Row[]>;

interface Table {
  readonly oid: number;
  /** Quoted, with its schema. */
  readonly name: string;
  /** Likewise, and without what inherits from it. */
  readonly rows: string;
  readonly schema: string;
  readonly plain: string;
}

interface Trigger {
  /** Quoted, with its schema. */
  readonly table: string;
  readonly name: string;
  readonly always: boolean;
}

/** What a table holds. */
interface Kept {
  readonly table: Table;
  /** Each row as the server writes it, and reads it again without a loss. */
  readonly texts: readonly string[];
  readonly rows: readonly Row[];
}

interface Column {
  readonly oid: number;
  readonly name: string;
  readonly quoted: string;
  readonly generated: boolean;
  readonly made: boolean;
}

interface Reference {
  readonly from: number;
  readonly to: number;
  readonly column: string;
  readonly target: string;
  /** Names, for messages. */
  readonly referring: string;
  readonly referred: string;
  /** Of a table that the check empties as a whole. */
  readonly partition: boolean;
}

/** More than that is no database for tests: all of it is read, deleted and written for every run. */
const mostRows = 10_000;

/** What of the catalogue a check needs. */
interface Catalogue {
  readonly tables: readonly Table[];
  readonly columns: readonly Column[];
  readonly triggers: readonly Trigger[];
  readonly made: ReadonlyMap<number, ReadonlySet<string>>;
}

export class Books {
  readonly #admin: DataSource;
  readonly #schema: string;
  readonly #catalogue: Catalogue;
  #start: readonly Kept[] = [];

  private constructor(admin: DataSource, schema: string, catalogue: Catalogue) {
    this.#admin = admin;
    this.#schema = schema;
    this.#catalogue = catalogue;
  }

  /** Keeps what stands there now. `schema`: of the framework's tables. Throws EO_OPTION_INVALID where it is too much. */
  static async open(admin: DataSource, schema: string): Promise<Books> {
    const tables = (await admin.query(tablesSql)) as Table[];
    const oids = tables.map(({ oid }) => oid);
    const columns = (await admin.query(columnsSql, [oids])) as Column[];
    const references = (await admin.query(referencesSql)) as Reference[];
    const triggers = (await admin.query(triggersSql)) as Trigger[];
    await checkSize(admin, tables);
    checkReferences(tables, references);
    const made = madeColumns(columns, references);
    const books = new Books(admin, schema, { tables: inOrder(tables, references), columns, triggers, made });
    books.#start = await books.#read();
    return books;
  }

  /** As it was at the beginning, and nothing known of any event. */
  async reset(): Promise<void> {
    const own = (await this.#admin.query(ownTablesSql, [this.#schema])) as { name: string }[];
    const { tables, columns, triggers } = this.#catalogue;
    await this.#admin.transaction(async (manager) => {
      for (const { table, name } of triggers) await manager.query(disableTriggerSql(table, name));
      await manager.query(truncateSql([...own.map(({ name }) => name), ...tables.map(({ rows }) => rows)]));
      for (const { table, texts } of this.#start) {
        const filled = columns.filter((one) => one.oid === table.oid && !one.generated);
        if (texts.length === 0 || filled.length === 0) continue;
        const names = filled.map(({ quoted }) => quoted);
        await manager.query(insertSql(table.name, names), [JSON.stringify(texts)]);
      }
      if (triggers.length > 0) await manager.query(checkNowSql);
      for (const { table, name, always } of triggers)
        await manager.query(enableTriggerSql(table, name, always));
    });
  }

  /** Without what the database makes. */
  async read(): Promise<Rows> {
    return (await this.readAll()).rows;
  }

  /** Likewise, and what the database has made. */
  async readAll(): Promise<{ readonly rows: Rows; readonly made: ReadonlySet<string> }> {
    const kept = await this.#read();
    const values = kept.flatMap(({ table, rows }) => {
      const names = [...(this.#catalogue.made.get(table.oid) ?? [])];
      return rows.flatMap((row) => names.map((name) => valueText(row[name])));
    });
    return { rows: this.#comparable(kept), made: new Set(values) };
  }

  get start(): Rows {
    return this.#comparable(this.#start);
  }

  #comparable(kept: readonly Kept[]): Rows {
    const entries = kept.map(({ table, rows }) => {
      const made = this.#catalogue.made.get(table.oid);
      const compared = (row: Row) =>
        Object.fromEntries(Object.entries(row).filter(([name]) => made?.has(name) !== true));
      return [this.#labelOf(table), rows.map(compared)] as const;
    });
    return new Map(entries);
  }

  /** For messages: with the schema where there are several of that name. */
  #labelOf({ schema, plain }: Table): string {
    const many = this.#catalogue.tables.filter((one) => one.plain === plain).length > 1;
    return many ? `${schema}.${plain}` : plain;
  }

  async #read(): Promise<Kept[]> {
    const all: Kept[] = [];
    for (const table of this.#catalogue.tables) {
      const found = (await this.#admin.query(rowsSql(table.rows))) as { kept: string; row: Row }[];
      all.push({ table, texts: found.map(({ kept }) => kept), rows: found.map(({ row }) => row) });
    }
    return all;
  }
}

async function checkSize(admin: DataSource, tables: readonly Table[]): Promise<void> {
  let total = 0;
  for (const table of tables) {
    const [{ rows }] = (await admin.query(countSql(table.rows))) as [{ rows: number }];
    total += rows;
  }
  if (total <= mostRows) return;
  const what = `checkExactlyOnce() empties and fills all tables for each run, and these hold ${total} rows, more than ${mostRows}: use a database for tests`;
  throw new ExactlyOnceError('EO_OPTION_INVALID', what);
}

/** A table that is left out is not emptied, and so must not refer to one that is. */
function checkReferences(tables: readonly Table[], references: readonly Reference[]): void {
  const emptied = new Set(tables.map(({ oid }) => oid));
  const found = references.find(
    ({ from, to, partition }) => emptied.has(to) && !emptied.has(from) && !partition,
  );
  if (found === undefined) return;
  const what = `checkExactlyOnce() empties "${found.referred}" for each run, and "${found.referring}" refers to it and is not the check's to empty: name it otherwise, or use another database`;
  throw new ExactlyOnceError('EO_OPTION_INVALID', what);
}

/** Those that are referred to first, as far as that can be. */
function inOrder(tables: readonly Table[], references: readonly Reference[]): Table[] {
  const ordered: Table[] = [];
  const left = new Set(tables);
  while (left.size > 0) {
    const waits = ({ oid }: Table) =>
      references.some(
        ({ from, to }) => from === oid && to !== oid && [...left].some((one) => one.oid === to),
      );
    const next = [...left].find((one) => !waits(one)) ?? [...left][0]!;
    left.delete(next);
    ordered.push(next);
  }
  return ordered;
}

/** What the database makes, and what refers to it. */
function madeColumns(columns: readonly Column[], references: readonly Reference[]): Map<number, Set<string>> {
  const made = new Map<number, Set<string>>();
  const add = (oid: number, name: string) => made.set(oid, (made.get(oid) ?? new Set()).add(name));
  for (const { oid, name, made: isMade } of columns) if (isMade) add(oid, name);
  let known: readonly Reference[] = [];
  let before = -1;
  while (known.length !== before) {
    before = known.length;
    known = references.filter(({ to, target }) => made.get(to)?.has(target) === true);
    for (const { from, column } of known) add(from, column);
  }
  return made;
}
