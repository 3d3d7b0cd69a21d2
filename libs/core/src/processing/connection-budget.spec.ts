import { describe, expect, it } from '@jest/globals';
import { ConnectionBudget, groupsAtOnce } from './connection-budget.js';

describe('groupsAtOnce', () => {
  it.each([
    [1, 1],
    [2, 1],
    [4, 2],
    [10, 7],
    [100, 75],
    [null, Number.POSITIVE_INFINITY],
  ])('of a pool of %s connections gives %s to groups', (connections, groups) => {
    expect(groupsAtOnce(connections)).toBe(groups);
  });
});

describe('ConnectionBudget', () => {
  it('lets as many in as it has places, and the next when one has gone, in order', async () => {
    const budget = new ConnectionBudget(2);
    const entered: number[] = [];
    const enter = async (name: number) => {
      const leave = await budget.take(new AbortController().signal);
      entered.push(name);
      return leave;
    };

    const leaves = [enter(1), enter(2), enter(3), enter(4)];
    await Promise.all([leaves[0], leaves[1]]);
    const before = [...entered];
    (await leaves[1])!();
    await leaves[2];

    expect([before, entered]).toEqual([
      [1, 2],
      [1, 2, 3],
    ]);
  });

  it('lets go of who is told to end while it waits, and gives its place to nobody', async () => {
    const budget = new ConnectionBudget(1);
    const ending = new AbortController();
    const never = new AbortController().signal;
    const leave = await budget.take(never);
    const given = budget.take(ending.signal);
    const next = budget.take(never);

    ending.abort();
    (await given)();
    leave();

    await expect(next).resolves.toBeInstanceOf(Function);
  });
});
