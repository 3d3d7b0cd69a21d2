import { describe, expect, it } from '@jest/globals';
import { isUsers, placeIn } from './call-site.js';

describe('a file', () => {
  it.each(['/shop/src/payment.handlers.ts', 'file:///shop/src/payment.handlers.ts'])(
    'is the user’s: %s',
    (file) => {
      expect(isUsers(file)).toBe(true);
    },
  );

  it.each([
    ['Node’s', 'node:internal/process/task_queues'],
    ['a package’s', '/shop/node_modules/pg/lib/client.js'],
    ['ours', new URL('../index.ts', import.meta.url).pathname],
    ['nobody’s', null],
  ])('is not, but %s: %s', (_, file) => {
    expect(isUsers(file)).toBe(false);
  });
});

describe('the place of a frame', () => {
  it.each([
    [
      'async PaymentHandlers.capture (file:///shop/src/payment.handlers.ts:12:5)',
      '/shop/src/payment.handlers.ts:12:5',
    ],
    ['/shop/src/a file.ts:1:2', '/shop/src/a file.ts:1:2'],
    ['new Client (src/client.ts:3:4)', 'src/client.ts:3:4'],
    ['native', null],
  ])('of "%s" is %s', (line, expected) => {
    expect(placeIn(line)).toBe(expected);
  });
});
