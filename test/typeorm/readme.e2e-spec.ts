import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import ts from 'typescript';
import { StorageWorld } from './storage-world.js';

const root = new URL('../../', import.meta.url);

describe("the package's README", () => {
  let world: StorageWorld;

  beforeAll(async () => {
    world = await StorageWorld.open('readme');
  });

  afterAll(() => world.close());

  it('has a whole program that commits a row and an event together', async () => {
    const text = await readFile(new URL('libs/typeorm/README.md', root), 'utf8');
    const program = [...text.matchAll(/```ts\n(.*?)```/gs)]
      .map(([, code]) => code!)
      .find((code) => code.includes('new Engine'));

    const { outputText } = ts.transpileModule(program!, {
      compilerOptions: { target: ts.ScriptTarget.ES2023, module: ts.ModuleKind.ESNext },
    });
    const env = { ...process.env, DATABASE_URL: world.database.url, NODE_OPTIONS: '' };
    const run = promisify(execFile);
    await run(process.execPath, ['--input-type=module', '--eval', outputText], { cwd: root, env });

    expect(await world.database.query('SELECT id FROM orders')).toEqual([{ id: 'o-1' }]);
    expect(await world.database.query('SELECT topic, state FROM eo_outbox')).toEqual([
      { topic: 'orders', state: 'pending' },
    ]);
  });
});
