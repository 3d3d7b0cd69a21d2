import { readFileSync } from 'node:fs';
import { migrationSql } from '@exactly-once/typeorm';
import { describe, expect, it } from '@jest/globals';
import { isSpec, sourceFiles } from '../architecture/source-files.js';

/** Name and columns of each table, as the migrations make them. */
function tablesOf(sql: string): Map<string, string[]> {
  const found = [...sql.matchAll(/^CREATE TABLE (\w+) \(\n(.*?)^\)/gms)];
  return new Map(
    found.map(([, name, body]) => [
      name!,
      [...body!.matchAll(/^ {2}"?([a-z]\w*)"? /gm)].map(([, column]) => column!),
    ]),
  );
}

/** Name and columns of each table, as the page says; what stands behind a colon is about the column before it. */
function tablesOfPage(page: string): Map<string, string[]> {
  const rows = [...page.matchAll(/^\| `(eo_\w+)` \| [^|]* \| (.*) \|$/gm)];
  return new Map(
    rows.map(([, name, columns]) => [
      name!,
      [...columns!.matchAll(/(?:^|, |; and |: )`(\w+)`(?=,|;|:|$)/g)].map(([, column]) => column!),
    ]),
  );
}

describe('the reference pages', () => {
  it('name each table with its columns, and no others', () => {
    const page = tablesOfPage(readFileSync('docs/reference/tables.md', 'utf8'));

    expect(Object.fromEntries(page)).toEqual(Object.fromEntries(tablesOf(migrationSql())));
  });

  it('name each metric that is measured, and no others', () => {
    const page = readFileSync('docs/reference/metrics.md', 'utf8');
    const listed = [...page.matchAll(/^\| `(exactly_once\.\w+)` \|/gm)].map(([, name]) => name!);
    const measured = sourceFiles('libs/core/src')
      .filter((file) => !isSpec(file))
      .flatMap(({ text }) => [...text.matchAll(/\.(?:count|record|gauge)\('(exactly_once\.\w+)'/g)])
      .map(([, name]) => name!);

    expect(listed.toSorted()).toEqual([...new Set(measured)].sort());
  });
});
