import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { errorsPage } from './architecture/errors-page.js';
import {
  declaredDependencies,
  dependencyLaw,
  fileSize,
  functionSize,
  header,
  names,
  noStarExports,
  type Rule,
  sqlInItsPlace,
} from './architecture/rules.js';
import { isTest, sourceFiles } from './architecture/source-files.js';

/** Files that a rule does not hold for, with the reason. */
const exempt: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  fileSize: {},
  functionSize: {
    'libs/typeorm/src/postgres/migrations/001-initial.sql.ts':
      'one text: the whole schema, to be read as a whole',
  },
};

const product = sourceFiles('libs', 'src', 'apps');
const tests = sourceFiles('test');
const file = (text: string, path = 'libs/core/src/inbox/inbox.ts') => ({ path, text });

const rules: [string, Rule, { path: string; text: string }][] = [
  ['fileSize', fileSize, file('\n'.repeat(301))],
  ['functionSize', functionSize, file(`function f() {${'\n'.repeat(61)}}`)],
  ['header', header, file('export const a = 1;')],
  ['names', names, file('', 'libs/core/src/utils/a.ts')],
  ['noStarExports', noStarExports, file("export * from './a.js';")],
  ['sqlInItsPlace', sqlInItsPlace, file('const sql = `SELECT key FROM ${table}`;')],
  ['dependencyLaw', dependencyLaw, file("import type { DataSource } from 'typeorm';")],
  ['declaredDependencies', declaredDependencies, file("import { v7 } from 'nanoid';")],
];

describe('architecture', () => {
  describe.each(rules)('%s', (name, rule, bad) => {
    it('is kept by the product', () => {
      const found = product
        .filter(({ path }) => exempt[name]?.[path] === undefined)
        .flatMap((one) => rule(one).map((what) => `${one.path}: ${what}`));

      expect(found).toEqual([]);
    });

    it('finds what breaks it', () => {
      expect(rule(bad)).toHaveLength(1);
    });
  });

  it.each<[string, Rule]>([
    ['fileSize', fileSize],
    ['names', names],
    ['noStarExports', noStarExports],
  ])('%s is kept by the tests, too', (_, rule) => {
    const found = tests.filter(isTest).flatMap((one) => rule(one).map((what) => `${one.path}: ${what}`));

    expect(found).toEqual([]);
  });

  it('refuses an app that imports the test kit', () => {
    const bad = file("import { a } from '@exactly-once/testing';", 'apps/orders/src/main.ts');

    expect(dependencyLaw(bad)).toHaveLength(1);
  });

  it('documents every error as the table has it', () => {
    expect(readFileSync('docs/errors.md', 'utf8')).toBe(errorsPage());
  });
});
