/**
 * Hears the errors of a pool's connections in the moment between two owners, in which nobody else does.
 *
 * pg-pool takes its listener away before it hands a connection over, and TypeORM adds its own a little later: a server that
 * ends meanwhile would end this process, by an 'error' event without a listener. Reports nothing: the next statement does.
 */
import type { DataSource } from 'typeorm';

interface Emitter {
  on(event: string, listener: (given: never) => void): unknown;
}

const heard = new WeakSet<Emitter>();

/** Of all connections that the DataSource's pool hands out from now on. */
export function hearErrors({ driver }: DataSource): void {
  const { master: pool } = driver as unknown as { readonly master: Emitter };
  if (heard.has(pool)) return;
  heard.add(pool);
  pool.on('acquire', (client: Emitter) => {
    if (heard.has(client)) return;
    heard.add(client);
    client.on('error', () => undefined);
  });
}
