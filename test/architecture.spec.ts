import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { cycles } from './architecture/cycles.js';
import { errorsPagePath, pageDifferences } from './architecture/errors-page.js';
import {
  fileSize,
  functionSize,
  header,
  names,
  noStarExports,
  sqlInItsPlace,
} from './architecture/form-rules.js';
import {
  clientBehindPort,
  declaredDependencies,
  dependencyLaw,
  kitBehindDoor,
  noWayRound,
} from './architecture/import-rules.js';
import type { Rule } from './architecture/rule.js';
import { type SourceFile, sourceFiles } from './architecture/source-files.js';

/**
 * Files that say in one line what they are for, from before the rule. To be completed and taken off the list; a new
 * file does not come onto it.
 */
const shortHeaders = JSON.parse(readFileSync('test/architecture/short-headers.json', 'utf8')) as string[];

/** Files that a rule does not hold for, with the reason. A line that is no longer needed turns the spec red. */
const exempt: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  functionSize: {
    'libs/typeorm/src/postgres/migrations/001-initial.sql.ts':
      'one text: the whole schema, to be read as a whole',
  },
  header: {
    'libs/nestjs/src/index.ts': 'opens with a whole program',
    ...Object.fromEntries(shortHeaders.map((path) => [path, 'says it in one line, for now'])),
  },
};

const product = sourceFiles('libs', 'src', 'apps');
const tests = sourceFiles('test');

const rules: readonly [name: string, rule: Rule, holdsFor: readonly SourceFile[]][] = [
  ['fileSize', fileSize, [...product, ...tests]],
  ['functionSize', functionSize, [...product, ...tests]],
  ['header', header, product],
  ['names', names, [...product, ...tests]],
  ['noStarExports', noStarExports, [...product, ...tests]],
  ['sqlInItsPlace', sqlInItsPlace, product],
  ['dependencyLaw', dependencyLaw, product],
  ['noWayRound', noWayRound, product],
  ['clientBehindPort', clientBehindPort, product],
  ['kitBehindDoor', kitBehindDoor, product],
  ['declaredDependencies', declaredDependencies, product],
];

describe('architecture', () => {
  it('looks at the sources', () => {
    expect(product.length).toBeGreaterThan(50);
    expect(tests.length).toBeGreaterThan(20);
  });

  it.each(rules)('%s is kept', (name, rule, holdsFor) => {
    const found = holdsFor
      .filter(({ path }) => exempt[name]?.[path] === undefined)
      .flatMap((file) => rule(file).map((what) => `${file.path}: ${what}`));

    expect(found).toEqual([]);
  });

  it('has no exemption that is not needed', () => {
    const idle = rules.flatMap(([name, rule, holdsFor]) =>
      Object.keys(exempt[name] ?? {}).filter(
        (path) =>
          !shortHeaders.includes(path) &&
          !holdsFor.some((file) => file.path === path && rule(file).length > 0),
      ),
    );

    expect(idle).toEqual([]);
  });

  it('has no import cycles', () => {
    expect(cycles([...product, ...tests])).toEqual([]);
  });

  it('documents every error as the table has it (npm run docs:errors)', () => {
    expect(pageDifferences(readFileSync(errorsPagePath, 'utf8'))).toEqual([]);
  });
});
