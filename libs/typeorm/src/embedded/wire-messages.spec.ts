import { describe, expect, it } from '@jest/globals';
import { openingOf, requestsOf, rollbackRequest, statusAfter } from './wire-messages.js';

function message(type: string, body: Buffer | string = ''): Buffer {
  const bytes = Buffer.from(body as string);
  const head = Buffer.alloc(5);
  head.write(type);
  head.writeInt32BE(bytes.length + 4, 1);
  return Buffer.concat([head, bytes]);
}

const sync = message('S');
const farewell = message('X');

describe('an opening', () => {
  const opening = (code: number) => {
    const chunk = Buffer.alloc(16);
    chunk.writeInt32BE(16, 0);
    chunk.writeInt32BE(code, 4);
    return openingOf(chunk);
  };

  it.each([
    [80_877_103, 'encryption'],
    [80_877_104, 'encryption'],
    [80_877_102, 'cancel'],
    [196_608, 'startup'],
  ])('with code %i is one for %s', (code, expected) => {
    expect(opening(code)).toBe(expected);
  });
});

describe('the requests of a chunk', () => {
  it('are the chunk, byte by byte', () => {
    const chunk = Buffer.concat([message('P', '\0SELECT $1\0\0\0'), message('B', 'X'), sync]);

    expect(requestsOf(chunk)).toEqual({ requests: chunk, farewell: false });
  });

  it('end before a farewell, also one behind others', () => {
    const before = message('Q', 'SELECT 1\0');

    expect(requestsOf(Buffer.concat([before, farewell]))).toEqual({ requests: before, farewell: true });
    expect(requestsOf(farewell)).toEqual({ requests: Buffer.alloc(0), farewell: true });
  });

  it('take no X in a text for a farewell', () => {
    const chunk = message('Q', `SELECT 'X'\0`);

    expect(requestsOf(chunk)).toEqual({ requests: chunk, farewell: false });
  });

  it.each([
    ['a query', 'Q', 'COPY t FROM STDIN\0', ''],
    ['a query in lower case over lines', 'Q', ' copy t (a)\n from  stdin with csv\0', ''],
    ['a named statement', 'P', 'name\0COPY t FROM STDIN\0\0\0', 'name\0'],
  ])('never copy rows in: %s', (_, type, body, kept) => {
    const { requests } = requestsOf(Buffer.concat([message(type, body), sync]));

    const text = requests.toString('latin1');
    expect(text).not.toMatch(/copy t/i);
    expect(text.slice(5)).toMatch(new RegExp(`^${kept}DO `));
    expect(requests.readInt32BE(1)).toBe(requests.length - 1 - sync.length);
    expect(requests.subarray(-sync.length)).toEqual(sync);
  });

  it.each(['COPY t TO STDOUT\0', "INSERT INTO t VALUES ('COPY t FROM STDIN')\0"])('keep %j', (body) => {
    const chunk = message('Q', body);

    expect(requestsOf(chunk).requests).toEqual(chunk);
  });
});

describe('the status after a response', () => {
  it.each([
    ['I', 'idle'],
    ['T', 'transaction'],
    ['E', 'failed'],
  ])('%s is %s', (letter, status) => {
    expect(statusAfter(Buffer.concat([message('C', 'SELECT 1\0'), message('Z', letter)]))).toBe(status);
  });

  it('is that of the last of several', () => {
    expect(statusAfter(Buffer.concat([message('Z', 'I'), message('1'), message('Z', 'T')]))).toBe(
      'transaction',
    );
  });

  it('is not known where the response goes on, or only looks like an end', () => {
    const row = message('D', Buffer.concat([Buffer.from([0, 1, 0, 0, 0, 6]), message('Z', 'I')]));

    expect(statusAfter(Buffer.concat([message('Z', 'I'), message('2')]))).toBeNull();
    expect(statusAfter(row)).toBeNull();
    expect(statusAfter(Buffer.alloc(0))).toBeNull();
  });
});

it('a rollback is asked for behind a Sync, which ends what an error made the session skip', () => {
  expect(rollbackRequest).toEqual(Buffer.concat([sync, message('Q', 'ROLLBACK\0')]));
});
