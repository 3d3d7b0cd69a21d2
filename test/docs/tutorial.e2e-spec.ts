import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import ts from 'typescript';
import { Outside } from '../packages/outside.js';
import { freePort, until } from '../services/ports.js';
import { codeBlocks } from './code-blocks.js';

/** What the tutorial's first command installs, and what a Nest application has already. */
const installed = [
  ...[
    '@nestjs/common',
    '@nestjs/core',
    '@nestjs/microservices',
    '@nestjs/platform-express',
    '@nestjs/typeorm',
  ],
  ...['reflect-metadata', 'rxjs', 'class-transformer', 'class-validator'],
  ...['typeorm', 'pg', '@electric-sql/pglite', 'vitest'],
];
const vitestConfig = `export default { test: { globals: true, include: ['src/**/*.spec.js'] } };`;

let outside: Outside;
let application: ChildProcess | null = null;

/** The packed packages, and the tutorial's files as its reader has them, compiled. */
beforeAll(async () => {
  outside = await Outside.of('libs/core', 'libs/nestjs', 'libs/typeorm', 'libs/testing');
  for (const name of installed) outside.provide(name);
  write('package.json', '{ "type": "module" }');
  write('vitest.config.js', vitestConfig);
  const page = { path: 'docs/tutorial.md', text: readFileSync('docs/tutorial.md', 'utf8') };
  for (const { file, code } of codeBlocks(page)) {
    write(relative('test/docs/.blocks/docs/tutorial', file).replace(/\.ts$/, '.js'), compiled(code));
  }
}, 120_000);
afterAll(() => {
  application?.kill('SIGKILL');
  outside?.remove();
});

function write(name: string, text: string): void {
  const path = join(outside.folder, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

function compiled(code: string): string {
  const compilerOptions = {
    target: ts.ScriptTarget.ES2023,
    module: ts.ModuleKind.ESNext,
    experimentalDecorators: true,
    emitDecoratorMetadata: true,
    useDefineForClassFields: false,
  };
  return ts.transpileModule(code, { compilerOptions }).outputText;
}

/** `null` while nobody answers. */
async function ask(port: number, path: string, method = 'GET'): Promise<unknown> {
  const answer = await fetch(`http://localhost:${port}/${path}`, { method }).catch(() => null);
  return answer?.ok ? answer.json() : null;
}

async function start(port: number): Promise<void> {
  const env = { ...process.env, NODE_OPTIONS: '', PORT: String(port) };
  application = spawn(process.execPath, ['src/main.js'], { cwd: outside.folder, env, stdio: 'ignore' });
  await until('the application answers', async () => (await ask(port, 'payments')) !== null, 60_000);
}

describe('the tutorial, in a project of a user’s own', () => {
  it('has tests that pass', async () => {
    const env = { ...process.env, NODE_OPTIONS: '', CI: 'true' };
    const words = [resolve('node_modules/vitest/vitest.mjs'), 'run', '--no-color'];
    const tests = spawn(process.execPath, words, {
      cwd: outside.folder,
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const said: string[] = [];
    tests.stdout.on('data', (text) => said.push(String(text)));
    tests.stderr.on('data', (text) => said.push(String(text)));

    await once(tests, 'close');

    expect(said.join('')).toMatch(/Tests {2}2 passed/);
  }, 300_000);

  it('has an application that captures each order once, over a kill', async () => {
    const port = await freePort();
    await start(port);

    const first = await ask(port, 'orders', 'POST');
    const second = await ask(port, 'orders', 'POST');
    application!.kill('SIGKILL');
    await once(application!, 'exit');
    await start(port);

    const placed = [first, second].map((order) => (order as { orderId: string }).orderId).sort();
    const captured = async () =>
      ((await ask(port, 'payments')) as { orderId: string }[]).map(({ orderId }) => orderId).sort();
    await until('both orders are captured', async () => (await captured()).length >= 2, 60_000);
    expect(await captured()).toEqual(placed);
  }, 180_000);
});
