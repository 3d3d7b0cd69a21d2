/**
 * The right to use a folder, for one process at a time: held by the operating system as an open socket, so that it
 * ends with its owner, however that ends, and not because a number or a clock says so.
 *
 * Owners are numbered. Whoever finds the last one dead moves a directory with a socket that is open already to the
 * next number; of two that try, one finds it taken. Numbers never go back, and the last two stay.
 */
import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { ExactlyOnceError } from '@exactly-once/core';
import { isHeld, listenIn, listening } from './lock-socket.js';

/** A candidate that has been there for so many milliseconds has died before it was moved. */
const candidateDiesMs = 60_000;

export class FolderLock {
  private constructor(
    private readonly place: string,
    private readonly server: Server,
  ) {}

  /** `folder` exists. Throws EO_FOLDER_IN_USE, and EO_OPTION_INVALID where its file system can hold no socket. */
  static async take(folder: string): Promise<FolderLock> {
    const locks = join(folder, 'lock');
    if (process.platform === 'win32') return new FolderLock(locks, await pipeFor(folder, locks));
    const candidate = join(locks, `candidate-${randomUUID().slice(0, 8)}`);
    await signIn(candidate);
    let server: Server | null = null;
    try {
      server = await listenIn(candidate);
      const number = await moveIn(folder, locks, candidate);
      await tidy(locks, number);
      return new FolderLock(join(locks, `${number}`), server);
    } catch (error) {
      server?.close();
      await rm(candidate, { recursive: true, force: true });
      throw error;
    }
  }

  /** The directory stays: its number is not to be taken again. */
  async release(): Promise<void> {
    await new Promise<unknown>((resolve) => this.server.close(resolve));
    await rm(join(this.place, 'socket'), { force: true });
  }
}

async function signIn(place: string): Promise<void> {
  await mkdir(place, { recursive: true });
  await writeFile(join(place, 'pid'), `${process.pid} on ${hostname()}\n`);
}

/** Resolves with the number under which the candidate is the owner now. */
async function moveIn(folder: string, locks: string, candidate: string): Promise<number> {
  for (;;) {
    const last = (await ownersIn(locks)).at(-1) ?? 0;
    const place = join(locks, `${last}`);
    if (await isHeld(place)) throw await inUse(folder, place);
    const next = join(locks, `${last + 1}`);
    if (!(await moved(candidate, next))) continue;
    if ((await ownersIn(locks)).at(-1) === last + 1) return last + 1;
    await rename(next, candidate); // others had taken and cleared away that number meanwhile
  }
}

/** False where `to` is there already: it is never empty. */
async function moved(from: string, to: string): Promise<boolean> {
  try {
    await rename(from, to);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOTEMPTY' || code === 'EEXIST') return false;
    throw error;
  }
}

/** Windows holds no socket in a folder; a named pipe has one owner, too, and ends with it. */
async function pipeFor(folder: string, locks: string): Promise<Server> {
  const server = createServer((socket) => socket.destroy());
  const name = createHash('sha256').update(folder.toLowerCase()).digest('hex');
  try {
    await listening(server, `\\\\.\\pipe\\exactly-once-${name}`);
  } catch {
    throw await inUse(folder, locks);
  }
  await signIn(locks);
  return server;
}

async function inUse(folder: string, place: string): Promise<ExactlyOnceError> {
  const owner = (await readFile(join(place, 'pid'), 'utf8').catch(() => 'unknown')).trim();
  const pid = Number.parseInt(owner, 10);
  const self = pid === process.pid ? ' (this very one, by another path or another copy of this package)' : '';
  return new ExactlyOnceError('EO_FOLDER_IN_USE', `${folder} is open in process ${owner}${self}`, {
    details: { folder, pid },
  });
}

/** Numbers of the owners there have been, ascending. */
async function ownersIn(locks: string): Promise<number[]> {
  const names = await readdir(locks);
  return names
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .sort((a, b) => a - b);
}

async function tidy(locks: string, number: number): Promise<void> {
  const past = (await ownersIn(locks)).filter((one) => one < number - 1).map(String);
  for (const name of await readdir(locks)) {
    if (!name.startsWith('candidate-')) continue;
    const made = await stat(join(locks, name)).catch(() => null);
    if (made !== null && Date.now() - made.mtimeMs > candidateDiesMs) past.push(name);
  }
  for (const name of past) await rm(join(locks, name), { recursive: true, force: true });
}
