import { beforeEach, describe, expect, it } from '@jest/globals';
import type { DeadRows, OutboxRow } from '../outbox/outbox-store.js';
import { UnderWay } from './under-way.js';

const row = (position: number, topic = 'orders') =>
  ({ position: BigInt(position), event: { topic } }) as OutboxRow;
const positions = (rows: readonly OutboxRow[]) => rows.map(({ position }) => position);

describe('where a claim has to begin', () => {
  let underWay: UnderWay;

  beforeEach(() => {
    underWay = new UnderWay();
  });

  const done = (rows: readonly OutboxRow[], except: readonly string[] = []) => {
    underWay.claimed(rows, true, except);
    underWay.settled(positions(rows));
  };

  it('is behind what is done, and before what is under way', () => {
    done([row(1), row(2)]);
    underWay.claimed([row(5), row(6)], true);
    const before = underWay.from();
    underWay.settled([5n, 6n]);

    expect([before, underWay.from()]).toEqual([5n, 7n]);
  });

  it('stays where a claim may have left something out', () => {
    done([row(1)]);
    underWay.claimed([row(9)], false);
    underWay.settled([9n]);

    expect(underWay.from()).toBe(2n);
  });

  describe('where a topic waits', () => {
    const [waiting, other] = ['down', 'orders'];

    beforeEach(() => {
      underWay.claimed([row(1, waiting), row(2, waiting)], true);
      underWay.dropped([row(1, waiting), row(2, waiting)]);
      done([row(900, other)], [waiting]);
    });

    it('is behind what is done of others, for a claim without it', () => {
      expect(underWay.from([waiting])).toBe(901n);
      expect(underWay.from([waiting, 'more'])).toBe(901n);
    });

    it('is before all that waits, for a claim with it', () => {
      expect(underWay.from()).toBe(1n);
      expect(underWay.from(['more'])).toBe(1n);
    });

    it('is not set back by its being tried again', () => {
      underWay.claimed([row(1, waiting)], true);
      underWay.dropped([row(1, waiting)]);

      expect([underWay.from([waiting]), underWay.from()]).toEqual([901n, 1n]);
    });

    it('is set back by another that is dropped', () => {
      underWay.claimed([row(950, other), row(951, other)], true, [waiting]);
      underWay.dropped([row(950, other)]);

      expect(underWay.from([waiting])).toBe(950n);
    });

    it('goes back for what waits no longer, and on for more of them', () => {
      done([row(990, other)], [waiting, 'more']);

      expect(underWay.from([waiting, 'more'])).toBe(991n);
      expect(underWay.from([waiting])).toBe(1n);
    });
  });

  it('passes what a dead row holds back, until somebody decides', () => {
    const dead: DeadRows = { first: 3n, version: '3' };
    done([row(1), row(2), row(4)]);
    const died = underWay.decided(dead);
    done([row(20)]);
    const [held, start] = [underWay.from(), underWay.start];
    const same = underWay.decided(dead);
    const decided = underWay.decided({ first: null, version: '' });

    expect([died, same, decided]).toEqual([false, false, true]);
    expect([held, start, underWay.from()]).toEqual([21n, 3n, 3n]);
  });

  it('goes back to the first dead row where one behind it was decided on', () => {
    done([row(1), row(20)]);
    underWay.decided({ first: 3n, version: '3,5' });
    underWay.decided({ first: 3n, version: '3' });

    expect(underWay.from()).toBe(3n);
  });

  it('is the beginning where nothing is known any more', () => {
    done([row(5)], ['down']);
    done([row(5)]);
    underWay.forget();

    expect([underWay.from(), underWay.from(['down'])]).toEqual([0n, 0n]);
  });
});
