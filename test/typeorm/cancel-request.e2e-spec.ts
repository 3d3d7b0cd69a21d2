import { type AddressInfo, createServer, type Server, Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { requestCancel } from '../../libs/typeorm/src/postgres/cancel-request.js';
import type { PostgresClient } from '../../libs/typeorm/src/postgres/postgres-client.js';
import { until } from './storage-world.js';

describe('a request to cancel', () => {
  let server: Server;
  let joined: Socket | null = null;
  let received = Buffer.alloc(0);
  let clientEnded = false;

  beforeEach(async () => {
    joined = null;
    received = Buffer.alloc(0);
    clientEnded = false;
    server = createServer({ allowHalfOpen: true }, (socket) => {
      joined = socket;
      socket.on('data', (data) => {
        received = Buffer.concat([received, data]);
      });
      socket.on('end', () => {
        clientEnded = true;
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });

  afterEach(async () => {
    joined?.destroy();
    await new Promise((resolve) => server.close(resolve));
  });

  const client = () =>
    ({
      processID: 4_711,
      secretKey: -2,
      host: '127.0.0.1',
      port: (server.address() as AddressInfo).port,
      connection: { stream: new Socket() },
    }) as unknown as PostgresClient;

  it('names the backend and waits until the server closes: only then was it carried out', async () => {
    let resolved = false;
    const requested = requestCancel(client(), 5_000).then(() => {
      resolved = true;
    });
    await until(() => received.length === 16);
    const before = { resolved, clientEnded };

    joined!.end();
    await requested;

    const words = [0, 4, 8, 12].map((at) => received.readInt32BE(at));
    expect(words).toEqual([16, 80_877_102, 4_711, -2]);
    expect(before).toEqual({ resolved: false, clientEnded: false });
  });

  it('gives up on a server that neither answers nor closes', async () => {
    await expect(requestCancel(client(), 100)).resolves.toBeUndefined();
  });

  it('goes nowhere where the stream is no socket: the host is not where the database is', async () => {
    const embedded = { ...client(), connection: { stream: new Duplex() } } as unknown as PostgresClient;

    await requestCancel(embedded, 5_000);

    expect(joined).toBeNull();
  });

  it('resolves where nobody listens, and where the backend is not known', async () => {
    const nobody = { ...client(), port: 1 } as PostgresClient;
    const unknown = { ...client(), processID: null } as PostgresClient;

    await expect(
      Promise.all([requestCancel(nobody, 5_000), requestCancel(unknown, 5_000)]),
    ).resolves.toBeDefined();
  });
});
