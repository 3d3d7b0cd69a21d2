/**
 * The socket that shows that a lock's owner lives: the kernel answers for a listening one, also while its process
 * is stopped or busy, and for nobody once the process is gone. It reaches across containers on one machine.
 *
 * Never keeps its process alive.
 */
import { type FileHandle, open } from 'node:fs/promises';
import { connect, createServer, type Server } from 'node:net';
import { join, relative } from 'node:path';
import { ExactlyOnceError } from '@exactly-once/core';

/** Bytes that the address of a socket has room for, on the narrowest system. */
const longestAddress = 100;

interface Address {
  readonly path: string;
  /** What the path leads through; to be closed behind it. */
  readonly through: FileHandle | null;
}

/** Listens in the directory `place`. Throws EO_OPTION_INVALID where its file system can hold no socket. */
export async function listenIn(place: string): Promise<Server> {
  const { path, through } = await addressIn(place);
  const server = createServer((socket) => socket.destroy());
  server.once('close', () => void through?.close());
  try {
    await listening(server, path);
  } catch (cause) {
    await through?.close();
    throw new ExactlyOnceError('EO_OPTION_INVALID', `no lock can be held in ${place}; take a local folder`, {
      cause,
    });
  }
  return server;
}

/** Throws what `listen` reports, EADDRINUSE among others. */
export async function listening(server: Server, path: string): Promise<void> {
  server.unref();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ path, exclusive: true }, resolve);
  });
}

/** True where a process listens in the directory `place`, or may. */
export async function isHeld(place: string): Promise<boolean> {
  const { path, through } = await addressIn(place).catch(() => ({
    path: join(place, 'socket'),
    through: null,
  }));
  const held = await new Promise<boolean>((resolve) => {
    const socket = connect(path, () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', ({ code }: NodeJS.ErrnoException) => {
      resolve(code !== 'ECONNREFUSED' && code !== 'ENOENT');
    });
  });
  await through?.close();
  return held;
}

/** A path of the socket in `place` that is short enough. */
async function addressIn(place: string): Promise<Address> {
  const path = join(place, 'socket');
  const short = [path, relative(process.cwd(), path)].find((one) => Buffer.byteLength(one) <= longestAddress);
  if (short !== undefined || process.platform !== 'linux') return { path: short ?? path, through: null };
  const through = await open(place, 'r');
  return { path: `/proc/self/fd/${through.fd}/socket`, through };
}
