import { describe, expect, it } from '@jest/globals';
import { asksToCommit, hasCommitted, isWithinTransaction, WireFrames } from './wire-frames.js';

function message(type: string, body: string): Buffer {
  const bytes = Buffer.from(`${type}0000${body}\0`);
  bytes.writeInt32BE(bytes.length - type.length, type.length);
  return bytes;
}

describe('WireFrames', () => {
  it('finds the messages however the stream is cut', () => {
    const stream = Buffer.concat([message('', 'start'), message('Q', 'SELECT 1'), message('Q', 'COMMIT')]);
    for (let size = 1; size <= stream.length; size++) {
      const frames = new WireFrames('frontend');

      const found = [];
      for (let at = 0; at < stream.length; at += size)
        found.push(...frames.push(stream.subarray(at, at + size)));

      expect(found.map(({ type }) => type)).toEqual(['', 'Q', 'Q']);
      expect(Buffer.concat(found.map(({ bytes }) => bytes))).toEqual(stream);
      expect(found.map(asksToCommit)).toEqual([false, false, true]);
    }
  });

  it('finds a COMMIT that is parsed, as a chain of statements sends it', () => {
    const frames = new WireFrames('frontend').push(
      Buffer.concat([
        message('', 'start'),
        message('P', '\0COMMIT\0\0'),
        message('P', "\0SELECT 'COMMIT'\0\0"),
      ]),
    );

    expect(frames.map(asksToCommit)).toEqual([false, true, false]);
  });

  it('tells COMMIT from what only contains it', () => {
    const [frame] = new WireFrames('backend').push(message('Q', "SELECT 'COMMIT'"));

    expect(asksToCommit(frame!)).toBe(false);
  });

  it("knows the server's word that it has committed, and that it has not", () => {
    const frames = new WireFrames('backend').push(
      Buffer.concat([message('C', 'COMMIT'), message('C', 'ROLLBACK')]),
    );

    expect(frames.map(hasCommitted)).toEqual([true, false]);
  });

  it('knows by the server whether a transaction is open', () => {
    const ready = (status: string) => Buffer.from([0x5a, 0, 0, 0, 5, status.charCodeAt(0)]);

    const frames = new WireFrames('backend').push(Buffer.concat(['I', 'T', 'E'].map(ready)));

    expect(frames.map(isWithinTransaction)).toEqual([false, true, false]);
  });
});
