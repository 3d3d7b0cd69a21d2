import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { HttpPaymentProvider } from '../../apps/payments/src/payments/http-payment-provider.js';

interface Reply {
  readonly status: number;
  readonly body?: string;
  readonly retryAfter?: string;
}

let server: Server;
let reply: Reply;

beforeAll(async () => {
  server = createServer((_, response) => {
    const headers = reply.retryAfter === undefined ? {} : { 'retry-after': reply.retryAfter };
    response.writeHead(reply.status, headers).end(reply.body);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterAll(async () => {
  server.closeAllConnections();
  server.close();
  await once(server, 'close');
});

function charge(given: Reply) {
  reply = given;
  const provider = new HttpPaymentProvider(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const request = { idempotencyKey: 'k', orderId: 'a', cents: 5 };
  return provider.charge(request, AbortSignal.timeout(10_000));
}

describe('HttpPaymentProvider', () => {
  it.each<[string, Reply, object]>([
    ['a charge', { status: 200, body: '{"chargeId":"ch_1"}' }, { outcome: 'charged', chargeId: 'ch_1' }],
    [
      'a refusal with its reason',
      { status: 402, body: '{"reason":"insufficient_funds"}' },
      { outcome: 'refused', reason: 'insufficient_funds' },
    ],
    ['a refusal without one', { status: 402 }, { outcome: 'refused', reason: 'declined' }],
    [
      'a refusal with a text that no column takes',
      { status: 402, body: '{"reason":"no\\u0000"}' },
      { outcome: 'refused', reason: 'declined' },
    ],
  ])('answers %s', async (_, given, answer) => {
    expect(await charge(given)).toEqual(answer);
  });

  it.each<[string, Reply, object]>([
    ['is no use after 400', { status: 400 }, { code: 'EO_PERMANENT' }],
    ['is no use after 404', { status: 404 }, { code: 'EO_PERMANENT' }],
    [
      'is to be made later where a time is named',
      { status: 429, retryAfter: '2' },
      { code: 'EO_RETRY_AFTER' },
    ],
    [
      'is to be made later after 503 with a time',
      { status: 503, retryAfter: '0' },
      { code: 'EO_RETRY_AFTER' },
    ],
    ['is made again after a conflict', { status: 409 }, { message: 'the provider answered 409' }],
    ['is made again after 500', { status: 500 }, { message: 'the provider answered 500' }],
    ['is made again after half an answer', { status: 200, body: '{}' }, { name: 'Error' }],
    ['is made again after no answer', { status: 200, body: '<html>' }, { name: 'SyntaxError' }],
  ])('says that a call %s', async (_, given, error) => {
    await expect(charge(given)).rejects.toMatchObject(error);
  });
});
