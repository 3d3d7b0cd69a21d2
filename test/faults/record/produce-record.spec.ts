import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { MessageMint } from './message.js';
import { ProduceRecord } from './produce-record.js';

describe('ProduceRecord', () => {
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'eo-record-'));
  });

  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  it('calls an attempt unknown whose writer died before its outcome', () => {
    const path = join(folder, 'record');
    const mint = new MessageMint('x');
    const [first, second, third] = [1, 2, 3].map(
      () => mint.make({ type: 't', topic: 'o', key: 'k', fates: { h: 'effect' } }).attempt,
    );
    const record = new ProduceRecord(path);

    record.begin(first!)('ok');
    record.begin(second!);
    record.begin(third!)('fail');
    const attempts = new ProduceRecord(path).attempts();

    expect(attempts.map(({ sequence, outcome }) => [sequence, outcome])).toEqual([
      [0, 'ok'],
      [1, 'info'],
      [2, 'fail'],
    ]);
  });
});

describe('MessageMint', () => {
  it('makes bodies, and so messages, that differ although the ids are the same', () => {
    const mint = new MessageMint('x');
    const request = { type: 't', topic: 'o', id: 'same', fates: {} };

    const [one, other] = [mint.make(request), mint.make(request)];

    expect(one.attempt.id).toBe(other.attempt.id);
    expect(one.attempt.message).not.toBe(other.attempt.message);
  });

  it('makes the same messages for the same salt', () => {
    const make = () => new MessageMint('s').make({ type: 't', topic: 'o', fates: {} });

    expect(make()).toEqual(make());
  });
});
