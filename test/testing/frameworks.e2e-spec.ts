import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import ts from 'typescript';
import { Outside } from '../packages/outside.js';

const run = promisify(execFile);
/** What a user of Nest, TypeORM and this framework has installed. */
const installed = [
  ...[
    '@nestjs/common',
    '@nestjs/core',
    '@nestjs/microservices',
    '@nestjs/typeorm',
    'reflect-metadata',
    'rxjs',
  ],
  ...['class-transformer', 'class-validator', 'typeorm', 'pg', '@electric-sql/pglite'],
];
const jestConfig = { transform: {}, testMatch: ['**/*.spec.js'], testTimeout: 120_000 };
const vitestConfig = `export default { test: { globals: true, include: ['*.spec.js'], testTimeout: 120_000 } };`;

let outside: Outside;

/** The packed packages, the README's module, and its tests. */
beforeAll(async () => {
  outside = await Outside.of('libs/core', 'libs/nestjs', 'libs/typeorm', 'libs/testing');
  for (const name of installed) outside.provide(name);
  const readme = readFileSync('libs/testing/README.md', 'utf8');
  const blocks = [...readme.matchAll(/```ts\n(.*?)```/gs)].map(([, code]) => code!);
  const blockWith = (text: string) => blocks.find((code) => code.includes(text))!;
  write('package.json', '{ "type": "module" }');
  write('vitest.config.js', vitestConfig);
  write('payments.module.js', withoutTypes(blockWith('// payments.module.ts')));
  write('payments.spec.js', withoutTypes(blockWith('checkExactlyOnce(app')));
  write('storage.spec.js', blockWith('describeStorage'));
  write('memory.mjs', blockWith('new Engine').replace('<string>', ''));
});
afterAll(() => outside?.remove());

function write(name: string, text: string): void {
  writeFileSync(join(outside.folder, name), text);
}

function withoutTypes(code: string): string {
  return ts.transpileModule(code, {
    compilerOptions: {
      target: ts.ScriptTarget.ES2023,
      module: ts.ModuleKind.ESNext,
      experimentalDecorators: true,
      emitDecoratorMetadata: true,
      useDefineForClassFields: false,
    },
  }).outputText;
}

/** What it says; rejects where a test fails. */
async function runTests(...words: string[]): Promise<string> {
  const env = { ...process.env, NODE_OPTIONS: '', CI: 'true' };
  const { stdout, stderr } = await run(process.execPath, words, {
    cwd: outside.folder,
    env,
    timeout: 300_000,
  });
  return stdout + stderr;
}

describe('the README of the test kit, in a project of a user’s own', () => {
  it('passes under jest', async () => {
    const bin = resolve('node_modules/jest/bin/jest.js');
    const config = JSON.stringify(jestConfig);

    const said = await runTests('--experimental-vm-modules', bin, '--config', config, '--ci', '--forceExit');

    expect(said).toMatch(/Test Suites: 2 passed, 2 total/);
    expect(said).toMatch(/Tests: {7}\d{2,} passed/);
  }, 300_000);

  it('passes under vitest', async () => {
    const said = await runTests(resolve('node_modules/vitest/vitest.mjs'), 'run', '--no-color');

    expect(said).toMatch(/Test Files {2}2 passed/);
    expect(said).toMatch(/Tests {2}\d{2,} passed/);
  }, 300_000);

  it('has a program on ports in memory that says what it handled', async () => {
    expect(await outside.run('memory.mjs')).toBe("[ '1' ]\n");
  });
});
