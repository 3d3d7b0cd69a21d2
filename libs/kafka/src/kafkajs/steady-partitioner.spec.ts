import { describe, expect, it } from '@jest/globals';
import { type Message, Partitioners, type PartitionMetadata } from 'kafkajs';
import { steadyPartitioner } from './steady-partitioner.js';

const partitions = (count: number): PartitionMetadata[] =>
  Array.from({ length: count }, (_, partitionId) => ({
    ...{ partitionErrorCode: 0, partitionId, leader: 1, replicas: [1], isr: [1] },
  }));

const values = Array.from({ length: 41 }, (_, index) => String(index));
const records = (keyed: boolean) =>
  values.map((value): Message => ({ key: keyed ? value : null, value, headers: {} }));

describe('a record that is sent again', () => {
  it.each([
    ['without a key, which goes anywhere', false, 4],
    ['with a key, where partitions were added meanwhile', true, 7],
  ])('goes where it went: %s', (_, keyed, later) => {
    const sent = records(keyed);
    const once = Partitioners.DefaultPartitioner();
    const steady = steadyPartitioner(Partitioners.DefaultPartitioner)();
    const places = (choose: typeof once, count: number) =>
      sent.map((message) => choose({ topic: 't', partitionMetadata: partitions(count), message }));

    const [first, again] = [places(once, 4), places(once, later)];
    expect(again).not.toEqual(first); // what kafkajs does by itself

    const kept = places(steady, 4);
    expect(places(steady, later)).toEqual(kept);
  });

  it('is spread over all partitions the first time, and stays where somebody has put it', () => {
    const steady = steadyPartitioner(Partitioners.DefaultPartitioner)();
    const place = (message: Message) => steady({ topic: 't', partitionMetadata: partitions(4), message });

    expect(new Set(records(true).map(place)).size).toBe(4);
    expect(place({ key: 'k', value: 'v', partition: 3 })).toBe(3);
  });
});
