import { describe, expect, it } from '@jest/globals';
import { systemClock } from '../clock.js';
import { GroupPace } from './group-pace.js';
import type { HandlerUnit } from './handler-unit.js';

const unitOf = (id: number) => ({ known: { id } }) as HandlerUnit;
const never = new AbortController().signal;
const newPace = (connections: number | null = null) =>
  new GroupPace({ clock: systemClock, maxEvents: 100, maxOpenMs: 50, connections });

describe('GroupPace', () => {
  it('halves the groups of the handler that collided, and of no other', () => {
    const pace = newPace();

    pace.collided(Array.from({ length: 16 }, () => unitOf(1)));

    expect([pace.mostWith(unitOf(1)), pace.mostWith(unitOf(2))]).toEqual([8, 64]);
  });

  it('has groups of a handler that collided take turns, and no others', async () => {
    const pace = newPace();
    const begun: string[] = [];
    const begin = async (name: string, id: number) => {
      const end = await pace.enter([unitOf(id)], never);
      begun.push(name);
      return end;
    };

    pace.collided([unitOf(1), unitOf(1)]);
    const first = await begin('first', 1);
    const second = begin('second', 1);
    await begin('other', 2);
    first();
    await second;

    expect(begun).toEqual(['first', 'other', 'second']);
  });

  it('leaves a part of the pool to others', async () => {
    const pace = newPace(4);
    let entered = 0;

    const ends = [1, 2, 3].map(async (id) => {
      const end = await pace.enter([unitOf(id)], never);
      entered++;
      return end;
    });
    await Promise.all([ends[0], ends[1]]);
    const before = entered;
    (await ends[0])!();
    await ends[2];

    expect([before, entered]).toEqual([2, 3]);
  });
});
