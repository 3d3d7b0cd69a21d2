import { describe, expect, it } from '@jest/globals';
import { type PositionFacts, startPosition } from './start-position.js';

const print = Buffer.from('print');
const facts = (change: Partial<PositionFacts>): PositionFacts => ({
  where: 't/0',
  key: { group: 'g', topic: 't', partition: 0 },
  row: { nextOffset: 10n, lastFingerprint: print },
  committed: 10n,
  low: 0n,
  high: 20n,
  startFrom: 'earliest',
  dedup: 'inbox',
  ...change,
});

describe('startPosition', () => {
  it('goes on where the database stands, and compares the record before', () => {
    expect(startPosition(facts({}))).toEqual({ offset: 10n, verify: print, newLog: false, notice: null });
  });

  it.each([
    ['the broker’s offset', { committed: 7n }, 7n],
    ['the earliest record', { committed: null }, 0n],
    ['the latest, where asked for', { committed: null, startFrom: 'latest' as const }, 20n],
    ['the first that is left, where the offset has expired', { committed: 3n, low: 5n }, 5n],
  ])('begins without a fence at %s', (_, change, offset) => {
    expect(startPosition(facts({ row: null, ...change })).offset).toBe(offset);
  });

  it('replays from an offset that was reset behind the fence', () => {
    expect(startPosition(facts({ committed: 0n }))).toMatchObject({
      offset: 0n,
      newLog: false,
      verify: null,
    });
  });

  it('does not follow the broker behind the fence where positions alone decide, and says so', () => {
    const position = startPosition(facts({ committed: 0n, dedup: 'offset' }));

    expect(position).toMatchObject({ offset: 10n, newLog: false, verify: print });
    expect(position.notice).toMatch(/stands at 0, before 10/);
  });

  it('begins no replaced log where positions alone decide', () => {
    expect(() => startPosition(facts({ high: 9n, committed: null, dedup: 'offset' }))).toThrow(
      /EO_LOG_CHANGED/,
    );
  });

  it('goes on where the log begins where records have left it, also where positions alone decide', () => {
    const position = startPosition(facts({ low: 15n, committed: 15n, dedup: 'offset' }));

    expect(position).toMatchObject({ offset: 15n, verify: null, newLog: false });
    expect(position.notice).toMatch(/records 10 to 14/);
  });

  it('refuses an offset that is ahead of the fence, and says how to set it back', () => {
    expect(() => startPosition(facts({ committed: 11n }))).toThrow(
      /EO_OFFSET_AHEAD.*npx exactly-once rewind --group g --topic t --partition 0 --to 10 --brokers/,
    );
  });

  it('passes nothing by where all before the broker’s offset has left the log', () => {
    const position = startPosition(facts({ low: 15n, committed: 15n }));

    expect(position).toMatchObject({ offset: 15n, newLog: false });
    expect(position.notice).toMatch(/records 10 to 14/);
  });

  it('reads a log from its beginning that ends before the fence', () => {
    expect(startPosition(facts({ high: 9n, committed: null }))).toMatchObject({ offset: 0n, newLog: true });
  });

  it('goes on at the first record that is left, and says what was lost', () => {
    const position = startPosition(facts({ low: 15n }));

    expect(position).toMatchObject({ offset: 15n, newLog: false });
    expect(position.notice).toMatch(/records 10 to 14/);
  });

  it('has nothing to compare where the record before has left the log', () => {
    expect(startPosition(facts({ low: 10n })).verify).toBeNull();
  });
});
