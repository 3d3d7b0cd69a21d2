import { createRequire } from 'node:module';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { readHeadersInOnePass } from './header-reading.js';

const kafkajs = createRequire(import.meta.url);
const Decoder = kafkajs('kafkajs/src/protocol/decoder.js');
const encodeRecord = kafkajs('kafkajs/src/protocol/recordBatch/record/v0/index.js');
const decodeRecord = kafkajs('kafkajs/src/protocol/recordBatch/record/v0/decoder.js');

type Values = Record<string, Buffer | Buffer[]>;

/** What kafkajs's own decoder makes of a record with these headers, as kafkajs's own encoder writes it. */
function read(headers: Values): Values {
  const { buffer } = encodeRecord({ key: 'k', value: 'v', headers });
  const decoder = new Decoder(buffer);
  decoder.readVarInt();
  return decodeRecord(decoder, { firstOffset: '0', firstTimestamp: '0' }).headers;
}

const bytes = (text: string) => Buffer.from(text);

describe('readHeadersInOnePass', () => {
  beforeAll(() => {
    expect(readHeadersInOnePass()).toBe(true);
  });

  it("reads thousands of headers, and never by kafkajs's own merge, which copies all of them for each", () => {
    const names = Array.from({ length: 10_000 }, (_, index) => `header-${index}`);
    const { readVarIntArray } = Decoder.prototype;
    let merges = 0;
    Decoder.prototype.readVarIntArray = function (reader: unknown) {
      const headers = readVarIntArray.call(this, reader);
      const counted = (merge: (...parameters: unknown[]) => unknown) =>
        headers.reduce((...parameters: unknown[]) => {
          merges++;
          return merge(...parameters);
        }, {});
      return { reduce: counted };
    };

    const headers = read(Object.fromEntries(names.map((name) => [name, bytes(name)])));
    Decoder.prototype.readVarIntArray = readVarIntArray;

    expect(Object.keys(headers)).toEqual(names);
    expect(headers['header-9999']).toEqual(bytes('header-9999'));
    expect(merges).toBe(0);
  });

  it('keeps every value of a header that came several times, in order', () => {
    const headers = read({ once: bytes('1'), often: [bytes('1'), bytes('2'), bytes('3')] });

    expect(headers).toEqual({ once: bytes('1'), often: [bytes('1'), bytes('2'), bytes('3')] });
  });

  it('takes names of the prototype for names', () => {
    const names = ['__proto__', 'constructor', 'toString'];

    const headers = read(Object.fromEntries(names.map((name) => [name, bytes(name)])));

    expect(Object.entries(headers)).toEqual(names.map((name) => [name, bytes(name)]));
    expect(Object.getPrototypeOf(headers)).toBe(Object.prototype);
  });

  it('reads a record without headers', () => {
    expect(read({})).toEqual({});
  });

  it('is done once, however often it is asked for', () => {
    const { readVarIntArray } = Decoder.prototype;

    expect(readHeadersInOnePass()).toBe(true);

    expect(Decoder.prototype.readVarIntArray).toBe(readVarIntArray);
  });
});
