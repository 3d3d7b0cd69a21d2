import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';

const jest = { numPassedTests: 7, numFailedTests: 0, numPendingTests: 0, numRuntimeErrorTestSuites: 0 };
const runs = [{ findings: [] }, { findings: [] }];
const bench = { contestants: [{ void: false }] };

const green: Readonly<Record<string, unknown>> = {
  'install.exit': 0,
  'check.exit': 0,
  'test.exit': 0,
  'test.json': jest,
  'faults.exit': 0,
  'faults.json': runs,
  'bench.exit': 0,
  'bench.json': bench,
  'peers.exit': 0,
  'processes.exit': 0,
};

/** Last line and exit code. */
function tally(files: Readonly<Record<string, unknown>>): { last: string; code: number | null } {
  const folder = mkdtempSync(join(tmpdir(), 'tally-'));
  try {
    for (const [name, content] of Object.entries(files)) {
      if (content !== undefined) writeFileSync(join(folder, name), JSON.stringify(content));
    }
    const { stdout, status } = spawnSync(process.execPath, ['.ci/tally.mjs', folder], { encoding: 'utf8' });
    return { last: stdout.trimEnd().split('\n').at(-1)!, code: status };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

describe('the tally of a run', () => {
  it('adds tests, faults and contestants', () => {
    expect(tally(green)).toEqual({ last: '10 passed, 0 failed', code: 0 });
  });

  it.each<[string, Record<string, unknown>, string]>([
    ['a test failed', { 'test.exit': 1, 'test.json': { ...jest, numFailedTests: 2 } }, '10 passed, 2 failed'],
    ['a test was skipped', { 'test.json': { ...jest, numPendingTests: 1 } }, '10 passed, 1 failed'],
    [
      'a file of tests could not be run',
      { 'test.exit': 1, 'test.json': { ...jest, numRuntimeErrorTestSuites: 1 } },
      '10 passed, 1 failed',
    ],
    ['no test ran', { 'test.json': { ...jest, numPassedTests: 0 } }, '3 passed, 1 failed'],
    ['the tests left no report', { 'test.exit': 1, 'test.json': undefined }, '3 passed, 1 failed'],
    ['jest failed after its tests', { 'test.exit': 1 }, '10 passed, 1 failed'],
    ['a fault was found', { 'faults.exit': 1, 'faults.json': [{ findings: ['L'] }] }, '8 passed, 1 failed'],
    ['no fault ran', { 'faults.json': [] }, '8 passed, 1 failed'],
    ['a contestant is void', { 'bench.json': { contestants: [{ void: 'lost' }] } }, '9 passed, 1 failed'],
    ['the check failed', { 'check.exit': 1 }, '10 passed, 1 failed'],
    ['a step was ended', { 'bench.exit': 124, 'bench.json': undefined }, '9 passed, 1 failed'],
    ['the packages do not work with the oldest peers', { 'peers.exit': 1 }, '10 passed, 1 failed'],
    ['a process was left behind', { 'processes.exit': 1 }, '10 passed, 1 failed'],
  ])('is red where %s', (_, changed, last) => {
    expect(tally({ ...green, ...changed })).toEqual({ last, code: 1 });
  });

  it('is red where nothing could be installed', () => {
    const result = tally({ 'install.exit': 1, 'processes.exit': 0 });

    expect(result).toEqual({ last: '0 passed, 6 failed', code: 1 });
  });
});
