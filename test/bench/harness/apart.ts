/**
 * The package apart: peers, and the library that draws. Their 100 MB stay out of the repository's own installation: they
 * are installed from their own lock file when they are first needed, and compiled in their place.
 */
import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import type { Benchmark } from './benchmark.js';
import { isInstalled } from './installed.js';

const run = promisify(execFile);
const folder = resolve('test/bench/apart');

/** Whether one of the contestants needs it. */
export function standsApart({ contestants }: Benchmark, only: readonly string[]): boolean {
  const chosen = contestants.filter(({ name }) => only.length === 0 || only.includes(name));
  return chosen.some(({ program }) => program.startsWith('apart/'));
}

/** Rejects with what npm or the compiler said. */
export async function installApart(): Promise<void> {
  const left = join(folder, 'node_modules/.package-lock.json');
  const due = JSON.parse(readFileSync(join(folder, 'package-lock.json'), 'utf8'));
  if (!isInstalled(due, existsSync(left) ? JSON.parse(readFileSync(left, 'utf8')) : null)) {
    process.stderr.write('installing the peers, once\n');
    await said('npm', ['ci', '--no-audit', '--no-fund', '--prefix', folder]);
  }
  await said(process.execPath, [resolve('node_modules/typescript/bin/tsc'), '-p', folder]);
}

async function said(command: string, parameters: readonly string[]): Promise<void> {
  await run(command, parameters).catch((error: Error & { stdout?: string; stderr?: string }) => {
    throw new Error(`the peers of the benchmarks could not be installed: ${error.stdout}${error.stderr}`, {
      cause: error,
    });
  });
}
