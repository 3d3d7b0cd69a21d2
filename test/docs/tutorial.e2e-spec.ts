import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import ts from 'typescript';
import { Outside } from '../packages/outside.js';
import { newApplication } from '../schematics/generated.js';
import { freePort, until } from '../services/ports.js';
import { codeBlocks } from './code-blocks.js';

/** What a Nest application has already, and what `nest add` has npm install. */
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
const programs: Readonly<Record<string, string>> = {
  nest: resolve('node_modules/@nestjs/cli/bin/nest.js'),
  schematics: resolve('node_modules/@angular-devkit/schematics-cli/bin/schematics.js'),
};
/** Blocks that the reader writes; the others show what a generator has written. */
const byHand = ['src/orders.controller.ts', 'src/payments/in-short.spec.ts'];
const tutorial = { path: 'docs/tutorial.md', text: readFileSync('docs/tutorial.md', 'utf8') };
const blocks = codeBlocks(tutorial).map(({ file, code }) => ({
  name: relative('test/docs/.blocks/docs/tutorial', file),
  code: code.replace(/^\/\/ .*\n/, ''),
}));

let outside: Outside;
let application: ChildProcess | null = null;
/** What the generators wrote, of the files that the tutorial shows. */
const generated = new Map<string, string>();

/** The packed packages, and the tutorial followed in an application of Nest 12, compiled. */
beforeAll(async () => {
  outside = await Outside.of('libs/core', 'libs/nestjs', 'libs/typeorm', 'libs/testing', '.');
  for (const name of installed) outside.provide(name);
  for (const [name, text] of Object.entries(newApplication(12))) write(name, text);
  write('vitest.config.js', vitestConfig);
  for (const [, program, words] of tutorial.text.matchAll(/^npx (nest|schematics) (.*)$/gm)) {
    const skip = words!.startsWith('add ') ? ['--skip-install'] : [];
    await outside.run(programs[program!]!, ...words!.split(' '), ...skip);
  }
  for (const { name, code } of blocks.filter((block) => block.name.startsWith('src/'))) {
    if (byHand.includes(name)) write(name, code);
    else generated.set(name, readFileSync(join(outside.folder, name), 'utf8'));
  }
  for (const name of readdirSync(join(outside.folder, 'src'), { recursive: true, encoding: 'utf8' })) {
    if (!name.endsWith('.ts')) continue;
    write(
      join('src', name.replace(/\.ts$/, '.js')),
      compiled(readFileSync(join(outside.folder, 'src', name), 'utf8')),
    );
  }
}, 240_000);
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
  await until('the application answers', async () => (await ask(port, 'orders/payments')) !== null, 60_000);
}

/** However its lines are broken. */
function inOneLine(code: string): string {
  return code
    .replace(/\s+/g, ' ')
    .replace(/,? ([})\]])/g, '$1')
    .replace(/([{([]) /g, '$1');
}

describe('the tutorial, in a project of a user’s own', () => {
  it('shows what the generators write', () => {
    const shown = blocks
      .filter(({ name }) => generated.has(name))
      .map(({ name, code }) => [name, inOneLine(code)]);

    expect(shown.length).toBeGreaterThan(5);
    expect([...generated].map(([name, code]) => [name, inOneLine(code)])).toEqual(shown);
  });

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

    expect(said.join('')).toMatch(/Tests {2}5 passed/);
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
      ((await ask(port, 'orders/payments')) as { orderId: string }[]).map(({ orderId }) => orderId).sort();
    await until('both orders are captured', async () => (await captured()).length >= 2, 60_000);
    expect(await captured()).toEqual(placed);
  }, 180_000);
});
