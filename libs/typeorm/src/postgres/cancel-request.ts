/**
 * Asks PostgreSQL to cancel what a connection is running, so that a rolled-back handler's locks are free at once.
 *
 * Over a connection of its own, outside of any pool; where the stream is no socket there is no such second way
 * (https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-CANCELING-REQUESTS).
 */
import { connect, Socket } from 'node:net';
import type { PostgresClient } from './postgres-client.js';

const cancelCode = 80_877_102;

/** Resolves when the request was handed over, or could not be: the caller then cuts the connection. */
export function requestCancel(client: PostgresClient, patienceMs: number): Promise<void> {
  const { processID, secretKey, host, port, connection } = client;
  if (!(connection?.stream instanceof Socket)) return Promise.resolve();
  if (processID == null || secretKey == null || host === undefined || port === undefined)
    return Promise.resolve();
  const message = Buffer.alloc(16);
  message.writeInt32BE(16, 0);
  message.writeInt32BE(cancelCode, 4);
  message.writeInt32BE(processID, 8);
  message.writeInt32BE(secretKey, 12);
  return new Promise((resolve) => {
    const socket = connect(host.startsWith('/') ? { path: `${host}/.s.PGSQL.${port}` } : { host, port });
    socket.setTimeout(patienceMs, () => socket.destroy());
    socket.once('connect', () => socket.write(message)); // PgBouncer 1.18 dies of a client that closes first
    socket.once('error', () => socket.destroy());
    socket.once('close', () => resolve());
  });
}
