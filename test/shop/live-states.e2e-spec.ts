import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { LiveStates } from '../../apps/shop/src/page/live-states.js';
import { until } from '../services/ports.js';
import { Rehearsal } from './rehearsal.js';

/** More than the kernel and Node buffer for a connection together, so that a client that does not read is felt. */
const long = 'x'.repeat(8_000_000);

let show: Rehearsal;
let live: LiveStates;
let server: Server;
let responses: ServerResponse[];
let sockets: Socket[];

beforeEach(async () => {
  show = new Rehearsal();
  live = new LiveStates(show, { intervalMs: 10, heartbeatMs: 50, patienceMs: 2_000 });
  responses = [];
  sockets = [];
  server = createServer((_, response) => {
    responses.push(response);
    live.add(response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});

afterEach(async () => {
  live.close();
  for (const socket of sockets) socket.destroy();
  server.closeAllConnections();
  server.close();
  await once(server, 'close');
});

/** A client that asks for the states and reads only when it is told to; and what the server holds for it. */
async function watcher(): Promise<{ socket: Socket; response: ServerResponse }> {
  const count = responses.length;
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  sockets.push(socket);
  socket.pause();
  socket.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
  await until('it is served', async () => responses.length > count);
  return { socket, response: responses[count]! };
}

function changeTo(deliveries: number): void {
  const audit = { atMs: 1, clean: false, checked: 1, lost: 1, doubled: 0, torn: 0, findings: [long] };
  show.change({ deliveries, audit });
}

/** What has come, as the numbers of deliveries in it. */
function reading(socket: Socket): () => number[] {
  const seen: number[] = [];
  let rest = '';
  socket.on('data', (chunk: Buffer) => {
    const text = rest + chunk.toString('latin1');
    seen.push(...[...text.matchAll(/"deliveries":(\d+),/g)].map(([, digits]) => Number(digits)));
    rest = text.slice(-40).replace(/"deliveries":\d+,/, '');
  });
  socket.resume();
  return () => seen;
}

describe('the live states', () => {
  it('do not pile up for a client that does not read, and go on for the others', async () => {
    const lazy = await watcher();
    const busy = await watcher();
    const seen = reading(busy.socket);

    const held: number[] = [];
    for (let deliveries = 1_001; deliveries <= 1_006; deliveries++) {
      changeTo(deliveries);
      await until(`${deliveries} has come`, async () => seen().at(-1) === deliveries);
      held.push(lazy.response.writableLength);
    }

    expect(held[0]).toBeGreaterThan(0);
    expect(Math.max(...held)).toBeLessThan(long.length * 1.5);
  });

  it('reach a client that reads again, with the newest and without those in between', async () => {
    const { socket, response } = await watcher();
    changeTo(2_001);
    await until('it is felt that nobody reads', async () => response.writableNeedDrain);
    const asked = show.asked;
    for (let deliveries = 2_002; deliveries <= 2_005; deliveries++) {
      changeTo(deliveries);
      await until('the change is noticed', async () => show.asked >= asked + deliveries - 2_001);
    }

    const seen = reading(socket);
    await until('the newest has come', async () => seen().at(-1) === 2_005);

    expect(seen()).toEqual([61, 2_001, 2_005]);
  });

  it('let a client go that takes nothing for long', async () => {
    const { response } = await watcher();
    changeTo(3_001);

    await until('it is let go', async () => response.destroyed);
  });

  it('keep a client that has nothing to read, with signs of life', async () => {
    const { socket, response } = await watcher();
    let text = '';
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString();
    });
    socket.resume();

    await until('ten signs of life', async () => text.split(': heartbeat').length > 10);

    expect(response.destroyed).toBe(false);
  });

  it('are for a hundred clients, not for more', async () => {
    for (let count = 0; count < 100; count++) await watcher();

    const { response } = await watcher();

    expect(response.statusCode).toBe(503);
  });
});
