/**
 * A file for what the processes of one run say, so that it stands neither among the results nor nowhere. It is kept where
 * the run is void and something was said.
 */
import { existsSync, mkdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';

let runs = 0;

/** A new file's path in a folder, which is made. */
export function newLog(folder: string, contestant: string): string {
  mkdirSync(folder, { recursive: true });
  const file = join(folder, `${contestant}.${process.pid}.${++runs}.log`);
  rmSync(file, { force: true });
  return file;
}

/** Whether anything stands in it; else it is removed. */
export function keepIfSaid(file: string): boolean {
  const said = existsSync(file) && statSync(file).size > 0;
  if (!said) dropLog(file);
  return said;
}

export function dropLog(file: string): void {
  rmSync(file, { force: true });
}
