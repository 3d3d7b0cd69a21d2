import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { WorkerPlan } from '../worker/worker-plan.js';
import { WorkerProcess } from './worker-process.js';

/** Beside the sources there is no built worker: a process of them ends by itself with code 1. */
describe('a worker that is killed', () => {
  let folder: string;

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'eo-worker-'));
  });

  afterAll(() => rmSync(folder, { recursive: true }));

  const start = (name: string) =>
    WorkerProcess.start({ name, folder, maxHeapMb: null } as unknown as WorkerPlan);

  it('is complained of where it had ended by itself before', async () => {
    const worker = start('broken');
    await worker.exited;

    await worker.kill();

    expect(worker.complaint).toBe('broken ended with code 1');
  });

  it('is not complained of where it ran until then', async () => {
    const worker = start('whole');

    await worker.kill();

    expect(worker.exit).toEqual({ code: null, signal: 'SIGKILL' });
    expect(worker.complaint).toBeNull();
  });
});
