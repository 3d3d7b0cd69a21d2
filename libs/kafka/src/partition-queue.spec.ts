import type { Delivery } from '@exactly-once/core';
import { describe, expect, it } from '@jest/globals';
import { PartitionQueue } from './partition-queue.js';

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
    const queue = new PartitionQueue({ events: 10, bytes: 100 });
    queue.push([delivery(1n), delivery(2n), delivery(3n)]);

    expect((await queue.take(2)).map(({ offset }) => offset)).toEqual([1n, 2n]);
    expect((await queue.take(2)).map(({ offset }) => offset)).toEqual([3n]);
  });

  it('waits for the next', async () => {
    const queue = new PartitionQueue({ events: 10, bytes: 100 });

    const taking = queue.take(5);
    queue.push([delivery(1n)]);

    expect(await taking).toHaveLength(1);
  });

  it('is full at either bound and roomy at half of both', async () => {
    const queue = new PartitionQueue({ events: 4, bytes: 100 });

    queue.push([delivery(1n, 100)]);
    expect(queue.full).toBe(true);
    await queue.take(1);
    expect(queue.roomy).toBe(true);
    queue.push([delivery(2n), delivery(3n), delivery(4n), delivery(5n)]);
    expect(queue.full).toBe(true);
    await queue.take(1);
    expect(queue.roomy).toBe(false);
  });

  it('gives nothing once it is closed, also to who waits', async () => {
    const queue = new PartitionQueue({ events: 4, bytes: 100 });
    const taking = queue.take(1);

    queue.close();
    queue.push([delivery(1n)]);

    expect(await taking).toEqual([]);
    expect(await queue.take(1)).toEqual([]);
  });
});
