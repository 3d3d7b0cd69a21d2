import { describe, expect, it } from '@jest/globals';
import { judgeTopic, type TopicRecord } from './judge-topic.js';
import type { Attempt } from './observation.js';

const attempt = (id: string, sequence: number, changes: Partial<Attempt> = {}): Attempt => ({
  message: id,
  source: 'shop',
  id: Buffer.from(id).toString('hex'),
  key: 'k',
  sequence,
  outcome: 'ok',
  fates: { ledger: 'effect' },
  ...changes,
});
const attempts = ['a', 'b', 'c'].map((id, sequence) => attempt(id, sequence));
const topic = (...ids: string[]): TopicRecord[] =>
  ids.map((id, index) => ({ id, partition: 0, offset: BigInt(index) }));
const clean = { lost: [], phantom: [], reordered: [], again: 0 };

describe('judgeTopic', () => {
  it('finds nothing where each event stands once, in order', () => {
    expect(judgeTopic(attempts, topic('a', 'b', 'c'))).toEqual(clean);
  });

  it('counts what came again, and judges the order of the first records alone', () => {
    expect(judgeTopic(attempts, topic('a', 'b', 'a', 'b', 'c'))).toEqual({ ...clean, again: 2 });
  });

  it('reads the records of a partition by their offsets', () => {
    expect(judgeTopic(attempts, topic('a', 'b', 'c').toReversed())).toEqual(clean);
  });

  it('finds what overtook another of its key', () => {
    expect(judgeTopic(attempts, topic('a', 'c', 'b')).reordered).toHaveLength(1);
  });

  it('lets other keys and sources pass', () => {
    const others = [attempt('a', 0), attempt('b', 1, { key: 'other' }), attempt('c', 0, { source: 'other' })];
    expect(judgeTopic(others, topic('c', 'b', 'a'))).toEqual(clean);
  });

  it('finds a key in two partitions', () => {
    const records = topic('a', 'b', 'c').map((one, index) => ({ ...one, partition: index % 2 }));
    expect(judgeTopic(attempts, records).reordered).not.toEqual([]);
  });

  it('finds what is missing, but for what never committed or may have', () => {
    const some = [
      attempt('a', 0),
      attempt('b', 1, { outcome: 'fail' }),
      attempt('c', 2, { outcome: 'info' }),
    ];
    expect(judgeTopic(some, [])).toMatchObject({ lost: [expect.stringContaining(' a ')], phantom: [] });
  });

  it('finds what nobody published, what was rolled back, and what was given up', () => {
    const some = [attempt('a', 0, { outcome: 'fail' }), attempt('b', 1, { fates: { ledger: 'nothing' } })];
    expect(judgeTopic(some, topic('a', 'b', 'stranger')).phantom).toEqual(['a', 'b', 'stranger']);
    expect(judgeTopic(some, []).lost).toEqual([]);
  });
});
