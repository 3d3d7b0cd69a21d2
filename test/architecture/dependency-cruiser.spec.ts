import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

/** A small repository in which each rule of `.dependency-cruiser.cjs` is broken once. */
const planted: Readonly<Record<string, string>> = {
  'libs/core/dist/index.d.ts': 'export declare const a: number;',
  'libs/core/dist/clock.d.ts': 'export declare const a: number;',
  'libs/core/src/index.ts': 'export const a = 1;',
  'libs/core/src/good.ts': "import 'node:fs'; import { a } from 'lru-cache'; import { b } from './clock.js';",
  'libs/core/src/clock.ts': 'export const b = 1;',
  'libs/core/src/uses-kafka.ts': "import type { Kafka } from 'kafkajs';",
  'libs/core/src/uses-index.ts': "import { a } from './index.js';",
  'libs/core/src/hen.ts': "import type { Egg } from './egg.js'; export class Hen { egg?: Egg }",
  'libs/core/src/egg.ts': "import type { Hen } from './hen.js'; export class Egg { hen?: Hen }",
  'libs/kafka/dist/index.d.ts': 'export declare const k: number;',
  'libs/kafka/src/good.ts': "import { a } from '@exactly-once/core'; import { Kafka } from 'kafkajs';",
  'libs/kafka/src/deep.ts': "import { b } from '../../core/src/clock.js';",
  'libs/typeorm/src/uses-kafka.ts': "import { k } from '@exactly-once/kafka';",
  'libs/typeorm/src/uses-nothing.ts': "import { n } from 'not-to-be-found';",
  'libs/testing/dist/index.d.ts': 'export declare const t: number;',
  'apps/orders/src/good.ts': "import { a } from '@exactly-once/core';",
  'apps/orders/src/uses-testing.ts': "import { t } from '@exactly-once/testing';",
  'apps/orders/src/uses-payments.ts': "import { p } from '@exactly-once/app-payments';",
  'apps/payments/dist/index.d.ts': 'export declare const p: number;',
  'apps/payments/dist/main.d.ts': 'export declare const m: number;',
  'apps/shop/src/good.ts': "import { p } from '@exactly-once/app-payments';",
  'apps/shop/src/uses-main.ts': "import { m } from '../../payments/dist/main.js';",
  'apps/orders/src/deep.ts': "import { b } from '../../../libs/core/src/clock.js';",
  'src/good.ts': "import { a } from '@exactly-once/core';",
  'src/uses-app.ts': "import { g } from '../apps/orders/src/good.js';",
  'test/good.ts': "import { t } from '@exactly-once/testing'; import { a } from '../src/good.js';",
  'node_modules/kafkajs/index.js': 'exports.Kafka = class {};',
  'node_modules/lru-cache/index.js': 'exports.a = 1;',
};

let violations: string[];
let tree: string;

beforeAll(async () => {
  tree = mkdtempSync(join(tmpdir(), 'planted-'));
  for (const [path, text] of Object.entries(planted)) write(path, text);
  for (const [name, folder] of [
    ['core', 'libs/core'],
    ['kafka', 'libs/kafka'],
    ['testing', 'libs/testing'],
    ['app-payments', 'apps/payments'],
  ] as const) {
    write(`${folder}/package.json`, manifest(name));
    mkdirSync(join(tree, 'node_modules/@exactly-once'), { recursive: true });
    symlinkSync(join(tree, folder), join(tree, 'node_modules/@exactly-once', name));
  }
  for (const name of [
    'tsconfig.base.json',
    '.dependency-cruiser.cjs',
    'test/architecture/dependency-law.json',
  ])
    cpSync(name, join(tree, name));

  const report = JSON.parse(await cruise()) as { summary: { violations: Violation[] } };

  violations = report.summary.violations.map(({ rule, from }) => `${rule.name}: ${from}`);
});

afterAll(() => rmSync(tree, { recursive: true, force: true }));

describe('.dependency-cruiser.cjs', () => {
  it.each([
    'core-imports: libs/core/src/uses-kafka.ts',
    'no-own-index: libs/core/src/uses-index.ts',
    'no-cycles: libs/core/src/egg.ts',
    'kafka-imports: libs/kafka/src/deep.ts',
    'typeorm-imports: libs/typeorm/src/uses-kafka.ts',
    'no-unresolvable: libs/typeorm/src/uses-nothing.ts',
    'apps-import-libs: apps/orders/src/uses-testing.ts',
    'apps-import-libs: apps/shop/src/uses-main.ts',
    'services-stand-alone: apps/orders/src/uses-payments.ts',
    'no-deep-imports: apps/orders/src/deep.ts',
    'src-imports-libs: src/uses-app.ts',
  ])('finds %s', (violation) => {
    expect(violations).toContain(violation);
  });

  it('leaves what keeps the law in peace', () => {
    expect(violations.filter((one) => one.endsWith('/good.ts'))).toEqual([]);
  });
});

interface Violation {
  readonly rule: { readonly name: string };
  readonly from: string;
}

function write(path: string, text: string): void {
  mkdirSync(dirname(join(tree, path)), { recursive: true });
  writeFileSync(join(tree, path), text);
}

function manifest(name: string): string {
  const exports = { '.': { types: './dist/index.d.ts', default: './dist/index.js' } };
  return JSON.stringify({ name: `@exactly-once/${name}`, type: 'module', exports });
}

/** Exits with the number of violations, so the exit code says nothing here. */
function cruise(): Promise<string> {
  const bin = resolve('node_modules/dependency-cruiser/bin/dependency-cruise.mjs');
  const args = [bin, '--config', '.dependency-cruiser.cjs', '--output-type', 'json'];
  return new Promise((done, failed) => {
    execFile(
      process.execPath,
      [...args, 'libs/*/src', 'apps/*/src', 'src', 'test'],
      { cwd: tree },
      (error, stdout, stderr) => (stdout === '' ? failed(error ?? new Error(stderr)) : done(stdout)),
    );
  });
}
