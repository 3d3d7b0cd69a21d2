import { describe, expect, it } from '@jest/globals';
import { fileSize, functionSize, header, names, noStarExports, sqlInItsPlace } from './form-rules.js';
import type { SourceFile } from './source-files.js';

const file = (text: string, path = 'libs/core/src/inbox/inbox.ts'): SourceFile => ({ path, text });
const lines = (count: number) => 'void 0;\n'.repeat(count);

describe('file size', () => {
  it.each([
    ['300 lines', lines(300), 0],
    ['300 lines without the last newline', lines(300).trimEnd(), 0],
    ['301 lines', lines(301), 1],
  ])('%s', (_, text, found) => {
    expect(fileSize(file(text))).toHaveLength(found);
  });
});

describe('function size', () => {
  it.each([
    ['a function of 60 lines', `function f() {\n${lines(58)}}`, 0],
    ['a function of 61 lines', `function f() {\n${lines(59)}}`, 1],
    ['a long method', `class A {\nm() {\n${lines(60)}}\n}`, 1],
    ['a long arrow function', `const f = () => {\n${lines(60)}};`, 1],
    ['a long constructor', `class A {\nconstructor() {\n${lines(60)}}\n}`, 1],
    ['a long test', `it('a', () => {\n${lines(60)}});`, 1],
    ['a long chapter of tests', `describe('a', () => {\n${lines(60)}});`, 0],
    ['a long table of chapters', `describe.each([1])('a', () => {\n${lines(60)}});`, 0],
    ['a long chapter of a conformance suite', `function describeInbox(it) {\n${lines(60)}}`, 0],
    [
      'a long test in a chapter of a suite',
      `function describeInbox(it) {\nit('', () => {\n${lines(60)}});\n}`,
      1,
    ],
    ['a long test in a long chapter', `describe('a', () => {\nit('b', () => {\n${lines(60)}});\n});`, 1],
  ])('%s', (_, text, found) => {
    expect(functionSize(file(text))).toHaveLength(found);
  });
});

describe('header', () => {
  const opening = (count: number) => `/**\n${' * what it is for\n'.repeat(count)} */\nexport const a = 1;\n`;

  it.each([
    ['none', 'export const a = 1;', 1],
    ['one line', '/** What it is for. */\nexport const a = 1;', 1],
    ['one line, spread out', opening(1), 1],
    ['two lines', opening(2), 0],
    ['two lines and an empty one', '/**\n * What it is for.\n *\n * What it never does.\n */', 0],
    ['two lines below #!', `#!/usr/bin/env node\n${opening(2)}`, 0],
    ['six lines', opening(6), 0],
    ['seven lines', opening(7), 1],
    ['two lines below the first import', `import './b.js';\n${opening(2)}`, 1],
  ])('%s', (_, text, found) => {
    expect(header(file(text))).toHaveLength(found);
  });
});

describe('names', () => {
  it.each([
    ['libs/core/src/utils/clock.ts', 1],
    ['libs/core/src/common/clock.ts', 1],
    ['libs/core/src/types.ts', 1],
    ['libs/core/src/inbox/inbox.interfaces.ts', 1],
    ['libs/core/src/inbox/inbox-helper.ts', 1],
    ['test/engine/Constants.ts', 1],
    ['libs/core/src/event/event-type.ts', 0],
    ['libs/nestjs/src/uncommon.ts', 0],
  ])('%s', (path, found) => {
    expect(names(file('', path))).toHaveLength(found);
  });
});

describe('exports', () => {
  it.each([
    ["export * from './a.js';", 1],
    ["export * as a from './a.js';", 1],
    ["export type * from './a.js';", 1],
    ["export { a } from './a.js';", 0],
  ])('%s', (text, found) => {
    expect(noStarExports(file(text))).toHaveLength(found);
  });
});

describe('SQL', () => {
  const table = '$' + '{table}';

  it.each([
    [`const sql = \`SELECT key FROM ${table}\`;`, 1],
    [`const sql = \`\n  insert into ${table} (key) values ($1)\`;`, 1],
    [`query(\`UPDATE ${table} SET state = 1\`);`, 1],
    [`query('delete from eo_inbox');`, 1],
    [`query("CREATE UNIQUE INDEX a ON b (c)");`, 1],
    [`query('select 1 from eo_meta');`, 1],
    [`query('LOCK TABLE eo_meta');`, 1],
    [`query('WITH a AS (SELECT 1) SELECT * FROM a');`, 1],
    [`query('set local lock_timeout = 1');`, 1],
    [`throw new Error('select a handler, or update the options');`, 0],
    [`const commit: 'batch' | 'event' = 'batch';`, 0],
    [`// SELECT key FROM eo_inbox`, 0],
  ])('%s', (text, found) => {
    expect(sqlInItsPlace(file(text))).toHaveLength(found);
  });

  it.each(['libs/typeorm/src/postgres/inbox.sql.ts', 'libs/typeorm/src/postgres/migrations/002.ts'])(
    'may stand in %s',
    (path) => {
      expect(sqlInItsPlace(file('const sql = `DELETE FROM eo_inbox`;', path))).toEqual([]);
    },
  );
});
