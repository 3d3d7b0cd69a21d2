/**
 * Keeps what an earlier run of the same case and seed has left as evidence: a run that is green today does not take it away.
 */
import { existsSync, renameSync } from 'node:fs';

/** Moves the folder beside itself, under the next number; nothing where there is none. */
export function setAside(folder: string): void {
  if (!existsSync(folder)) return;
  let number = 1;
  while (existsSync(`${folder}-${number}`)) number++;
  renameSync(folder, `${folder}-${number}`);
}
