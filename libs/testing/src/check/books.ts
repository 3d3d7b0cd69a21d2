/**
 * What stands in the user's tables, to be compared, and to be put back.
 *
 * Values that the database makes (serial numbers, default times and uuids, and references to them) are left out of a
 * comparison: a run that was rolled back has used some up.
 */
import { ExactlyOnceError } from '@exactly-once/core';
import type { DataSource } from '../application/peers.js';
import {
  columnsSql,
  countSql,
  insertSql,
  ownTablesSql,
  referencesSql,
  rowsSql,
  tablesSql,
  truncateSql,
} from './tables.sql.js';

export type Row = Readonly<Record<string, unknown>>;
/** By table, in no order. */
export type Rows = ReadonlyMap<string, readonly Row[]>;

interface Table {
  readonly oid: number;
  /** Quoted, with its schema. */
  readonly name: string;
  /** For messages. */
  readonly plain: string;
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
}

/** More than that is no database for tests: all of it is read, deleted and written for every run. */
const mostRows = 10_000;

export class Books {
  readonly #admin: DataSource;
  readonly #schema: string;
  readonly #tables: readonly Table[];
  readonly #columns: readonly Column[];
  readonly #made: ReadonlyMap<number, ReadonlySet<string>>;
  #start: Rows = new Map();

  private constructor(
    admin: DataSource,
    schema: string,
    tables: readonly Table[],
    columns: readonly Column[],
    made: ReadonlyMap<number, ReadonlySet<string>>,
  ) {
    this.#admin = admin;
    this.#schema = schema;
    this.#tables = tables;
    this.#columns = columns;
    this.#made = made;
  }

  /** Keeps what stands there now. `schema`: of the framework's tables. Throws EO_OPTION_INVALID where it is too much. */
  static async open(admin: DataSource, schema: string): Promise<Books> {
    const tables = (await admin.query(tablesSql)) as Table[];
    const oids = tables.map(({ oid }) => oid);
    const columns = (await admin.query(columnsSql, [oids])) as Column[];
    const references = (await admin.query(referencesSql)) as Reference[];
    await checkSize(admin, tables);
    const books = new Books(
      admin,
      schema,
      inOrder(tables, references),
      columns,
      madeColumns(columns, references),
    );
    books.#start = await books.#read();
    return books;
  }

  /** As it was at the beginning, and nothing known of any event. */
  async reset(): Promise<void> {
    const own = (await this.#admin.query(ownTablesSql, [this.#schema])) as { name: string }[];
    await this.#admin.transaction(async (manager) => {
      const all = [...own.map(({ name }) => name), ...this.#tables.map(({ name }) => name)];
      await manager.query(truncateSql(all));
      for (const { oid, name, plain } of this.#tables) {
        const rows = this.#start.get(plain) ?? [];
        const columns = this.#columns.filter((one) => one.oid === oid && !one.generated);
        if (rows.length === 0) continue;
        await manager.query(
          insertSql(
            name,
            columns.map(({ quoted }) => quoted),
          ),
          [JSON.stringify(rows)],
        );
      }
    });
  }

  /** Without what the database makes. */
  async read(): Promise<Rows> {
    return this.#comparable(await this.#read());
  }

  get start(): Rows {
    return this.#comparable(this.#start);
  }

  #comparable(rows: Rows): Rows {
    const entries = this.#tables.map(({ oid, plain }) => {
      const made = this.#made.get(oid);
      const kept = (row: Row) =>
        Object.fromEntries(Object.entries(row).filter(([name]) => made?.has(name) !== true));
      return [plain, (rows.get(plain) ?? []).map(kept)] as const;
    });
    return new Map(entries);
  }

  async #read(): Promise<Rows> {
    const rows = new Map<string, Row[]>();
    for (const { name, plain } of this.#tables) {
      const found = (await this.#admin.query(rowsSql(name))) as { row: Row }[];
      rows.set(
        plain,
        found.map(({ row }) => row),
      );
    }
    return rows;
  }
}

async function checkSize(admin: DataSource, tables: readonly Table[]): Promise<void> {
  let total = 0;
  for (const { name } of tables) {
    const [{ rows }] = (await admin.query(countSql(name))) as [{ rows: number }];
    total += rows;
  }
  if (total <= mostRows) return;
  const what = `checkExactlyOnce() empties and fills all tables for each run, and these hold ${total} rows, more than ${mostRows}: use a database for tests`;
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
