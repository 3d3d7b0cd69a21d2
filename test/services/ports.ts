/** TCP ports on this machine: whether one answers, and one that is free. */
import { connect, createServer, type NetConnectOpts } from 'node:net';

/** True where something accepts connections. */
export function answers(host: string, port: number): Promise<boolean> {
  return answersAt({ host, port });
}

/** The same, for a socket in the file system too. */
export function answersAt(place: NetConnectOpts): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(place);
    const end = (result: boolean) => {
      socket.destroy();
      resolve(result);
    };
    socket.setTimeout(1_000, () => end(false));
    socket.once('connect', () => end(true));
    socket.once('error', () => end(false));
  });
}

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() =>
        typeof address === 'object' && address ? resolve(address.port) : reject(new Error('no port')),
      );
    });
  });
}

/** Resolves when `condition` holds, asked every `everyMs`; rejects after `patienceMs` with `what`. */
export async function until(
  what: string,
  condition: () => Promise<boolean>,
  patienceMs = 30_000,
  everyMs = 50,
): Promise<void> {
  const giveUpAtMs = Date.now() + patienceMs;
  for (;;) {
    if (await condition()) return;
    if (Date.now() > giveUpAtMs) throw new Error(`waited ${patienceMs} ms in vain until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
}
