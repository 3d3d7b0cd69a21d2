import type { Delivery } from '@exactly-once/core';
import { describe, expect, it } from '@jest/globals';
import { MemoryBudget } from './memory-budget.js';
import { PartitionQueue } from './partition-queue.js';

const queueOf = (bounds: { events: number; bytes: number }, budget = new MemoryBudget(1_000)) =>
  new PartitionQueue({ atOnce: 1_000, ...bounds, budget });

const delivery = (offset: bigint, bytes = 1): Delivery => ({
  topic: 't',
  partition: 0,
  offset,
  key: null,
  headers: {},
  body: new Uint8Array(bytes),
  timestampMs: 0,
});

describe('PartitionQueue', () => {
  it('gives what waits, in order, up to the most', async () => {
    const queue = queueOf({ events: 10, bytes: 100 });
    queue.push([delivery(1n), delivery(2n), delivery(3n)]);

    expect((await queue.take(2)).map(({ offset }) => offset)).toEqual([1n, 2n]);
    expect((await queue.take(2)).map(({ offset }) => offset)).toEqual([3n]);
  });

  it('waits for the next', async () => {
    const queue = queueOf({ events: 10, bytes: 100 });

    const taking = queue.take(5);
    queue.push([delivery(1n)]);

    expect(await taking).toHaveLength(1);
  });

  it('is full at either bound and roomy at half of both', async () => {
    const queue = queueOf({ events: 4, bytes: 100 });

    queue.push([delivery(1n, 100)]);
    expect(queue.full).toBe(true);
    await queue.take(1);
    queue.done();
    expect(queue.roomy).toBe(true);
    queue.push([delivery(2n), delivery(3n), delivery(4n), delivery(5n)]);
    expect(queue.full).toBe(true);
    await queue.take(1);
    queue.done();
    expect(queue.roomy).toBe(false);
  });

  it('counts what is being processed until it is done', async () => {
    const queue = queueOf({ events: 4, bytes: 100 });
    queue.push([delivery(1n, 100)]);

    await queue.take(1);

    expect(queue.full).toBe(true);
    queue.done();
    expect(queue.full).toBe(false);
  });

  it('is full where all queues together are, and roomy when half of that is gone', async () => {
    const budget = new MemoryBudget(100);
    const [one, other] = [1, 2].map(() => queueOf({ events: 10, bytes: 1_000 }, budget));
    const changes: boolean[] = [];
    budget.onChange(() => changes.push(budget.full));

    one!.push([delivery(1n, 60)]);
    other!.push([delivery(1n, 40)]);
    expect([one!.full, other!.full]).toEqual([true, true]);
    other!.close();
    expect(one!.roomy).toBe(false);
    await one!.take(1);
    one!.done();

    expect([one!.full, one!.roomy]).toEqual([false, true]);
    expect(changes).toEqual([true, false]);
  });

  it('gives nothing once it is closed, also to who waits', async () => {
    const queue = queueOf({ events: 4, bytes: 100 });
    const taking = queue.take(1);

    queue.close();
    queue.push([delivery(1n)]);

    expect(await taking).toEqual([]);
    expect(await queue.take(1)).toEqual([]);
  });

  it('gives what waits when it is finished, then nothing, until it takes again', async () => {
    const queue = queueOf({ events: 10, bytes: 100 });
    queue.push([delivery(1n)]);
    queue.finish();
    queue.push([delivery(2n)]);

    const before = [(await queue.take(5)).length, queue.finished];
    const after = [(await queue.take(5)).length, queue.finished];
    queue.reopen();
    queue.push([delivery(3n)]);

    expect([before, after]).toEqual([
      [1, false],
      [0, true],
    ]);
    expect((await queue.take(5)).map(({ offset }) => offset)).toEqual([3n]);
  });
});
