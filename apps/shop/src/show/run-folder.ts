/**
 * Where a run keeps its data: a temporary folder with the number of its process. A run that was killed could not
 * remove its own; the next one does.
 */
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const prefix = 'exactly-once-shop-';

export async function makeFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), prefix));
  await writeFile(join(folder, 'pid'), String(process.pid));
  return folder;
}

/** Removes the folders of runs whose process is gone. */
export async function sweepFolders(): Promise<void> {
  const names = (await readdir(tmpdir())).filter((name) => name.startsWith(prefix));
  for (const folder of names.map((name) => join(tmpdir(), name))) {
    const pid = await readFile(join(folder, 'pid'), 'utf8').catch(() => null); // not written yet, or just removed
    if (pid !== null && !isAlive(Number(pid))) await rm(folder, { recursive: true, force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
