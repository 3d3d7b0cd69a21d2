import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { setAside } from './set-aside.js';

let parent: string;

beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), 'eo-aside-'));
});

afterEach(() => rmSync(parent, { recursive: true }));

it('keeps the evidence of each earlier run under a number of its own', () => {
  const folder = join(parent, 'seed-1');
  for (const run of ['first', 'second', 'third']) {
    setAside(folder);
    mkdirSync(folder);
    writeFileSync(join(folder, 'findings'), run);
  }

  expect(readdirSync(parent).sort()).toEqual(['seed-1', 'seed-1-1', 'seed-1-2']);
  expect(readFileSync(join(parent, 'seed-1-1', 'findings'), 'utf8')).toBe('first');
  expect(readFileSync(join(parent, 'seed-1-2', 'findings'), 'utf8')).toBe('second');
});
