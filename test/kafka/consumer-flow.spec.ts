import { ExactlyOnceError } from '@exactly-once/core';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { ConsumerWorld } from './consumer-world.js';

const values = (count: number, prefix = 'v') =>
  Array.from({ length: count }, (_, index) => `${prefix}${index}`);

describe('the flow from kafkajs to the handlers', () => {
  let world: ConsumerWorld;
  let release: () => void;

  beforeEach(() => {
    world = new ConsumerWorld();
    world.kafka.assignment = ['t/0'];
    world.kafka.batchSize = 10;
  });

  afterEach(async () => {
    release?.();
    await world.consumer.stop(1_000);
  });

  function hold(name?: string): void {
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    world.work = async ([first]) => {
      if (name === undefined || name === `t/${first!.partition}`) await held;
    };
  }

  const taken = (name: string) =>
    world.kafka.handed.filter((one) => one.startsWith(name) && one.endsWith('taken'));

  it('pauses at the bound of events and goes on below half of it', async () => {
    world.kafka.log('t/0', values(300));
    hold();
    await world.start({ events: 25 });
    await world.until('it pauses', () => taken('t/0').length > 0 && world.kafka.paused.has('t/0'));
    expect(taken('t/0').length).toBeLessThanOrEqual(3);

    release();
    await world.until('all are done', () => world.done.length === 300);
    expect(world.done).toEqual(values(300));
  });

  it('pauses at the bound of bytes', async () => {
    world.kafka.log('t/0', values(300, 'x'.repeat(100)));
    hold();
    await world.start({ events: 10_000, bytes: 2_500 });
    await world.until('it pauses', () => taken('t/0').length > 0 && world.kafka.paused.has('t/0'));
    expect(taken('t/0').length).toBeLessThanOrEqual(3);

    release();
    await world.until('all are done', () => world.done.length === 300);
  });

  it('pauses all partitions where their queues together are full, the empty ones too, and resumes all', async () => {
    world.kafka.assignment = ['t/0', 't/1'];
    world.kafka.log('t/0', values(100, 'x'.repeat(100)));
    const other = world.kafka.log('t/1');
    hold('t/0');
    await world.start({ events: 10_000, bytes: 1_000_000, totalBytes: 3_000 });
    await world.until('both pause', () => taken('t/0').length > 0 && world.kafka.paused.size === 2);
    other.values.push('late');
    for (let round = 0; round < 20; round++) await world.kafka.round();
    expect(taken('t/1')).toEqual([]);

    release();
    await world.until('all are done', () => world.done.length === 101);
  });

  it('goes on after a rejoin with a partition that was paused at its bound', async () => {
    world.kafka.log('t/0', values(100));
    hold();
    await world.start({ events: 10 });
    await world.until('it pauses', () => taken('t/0').length > 0 && world.kafka.paused.has('t/0'));

    world.kafka.join('t/0');
    release();
    await world.until('all are done', () => new Set(world.done).size === 100);

    expect(world.done).toEqual(values(100));
  });

  describe('after a pause in which nobody would have seen the topic go', () => {
    const paused = async () => {
      world.kafka.log('t/0', values(100));
      hold();
      await world.start({ events: 10 });
      await world.until('it pauses', () => taken('t/0').length > 0 && world.kafka.paused.has('t/0'));
      await world.clock.advance(1_000);
    };

    it('goes on with the same log, each record once', async () => {
      await paused();

      release();
      await world.until('all are done', () => world.done.length === 100);

      expect(world.done).toEqual(values(100));
      expect(world.lines).toEqual([]);
    });

    it('handles what it has of the old log, and then reads the new one from its beginning', async () => {
      await paused();
      world.kafka.log('t/0', values(100, 'new'));

      release();
      await world.until('all are done', () => world.done.includes('new99'));

      const old = world.done.filter((value) => value.startsWith('v'));
      expect(old.length).toBeGreaterThan(0);
      expect(world.done).toEqual([...values(old.length), ...values(100, 'new')]);
      expect(world.lines.filter((line) => line.includes('EO_LOG_CHANGED'))).toHaveLength(1);
    });

    it('stops before the new log where only positions tell what was handled', async () => {
      world.kafka.log('t/0', values(100));
      hold();
      await world.start({ events: 10, dedup: 'offset' });
      await world.until('it pauses', () => taken('t/0').length > 0 && world.kafka.paused.has('t/0'));
      await world.clock.advance(1_000);
      world.kafka.log('t/0', values(100, 'new'));

      release();
      await world.until('it stops', () => /EO_LOG_CHANGED/.test(world.consumer.health().reason ?? ''));

      expect(world.done.filter((value) => value.startsWith('new'))).toEqual([]);
    });
  });

  describe('where a fetch failed and kafkajs went on without a join', () => {
    async function read(): Promise<void> {
      world.kafka.log('t/0', values(3));
      await world.start();
      await world.until('all are done', () => world.done.length === 3);
      await world.kafka.round();
    }

    it('goes on with the same log, each record once', async () => {
      await read();
      world.kafka.logs.get('t/0')!.values.push('next');

      world.kafka.failFetch();
      await world.until('the next is done', () => world.done.includes('next'));

      expect(world.done).toEqual([...values(3), 'next']);
      expect(world.kafka.handed).toContain('t/0@2 taken');
      expect(world.lines).toEqual([]);
    });

    it.each([
      ['as many records', 3],
      ['fewer, up to the last that was read', 2],
      ['fewer', 1],
      ['more', 5],
    ])('reads a log that took its place with %s from its beginning', async (_, count) => {
      await read();
      world.kafka.log('t/0', values(count, 'new'));

      world.kafka.failFetch();
      await world.until('all are done', () => world.done.length === 3 + count);

      expect(world.done).toEqual([...values(3), ...values(count, 'new')]);
      expect(world.lines.join('\n')).toContain('EO_LOG_CHANGED');
    });

    it('claims the partition anew where the log cannot be asked for', async () => {
      await read();
      world.kafka.log('t/0', values(3, 'new'));
      world.kafka.unknown.add('t/0');

      world.kafka.failFetch();
      await world.until('it says so', () => world.lines.join('\n').includes('is claimed anew'));
      world.kafka.unknown.delete('t/0');
      await world.until('all are done', () => world.done.length === 6);

      expect(world.done).toEqual([...values(3), ...values(3, 'new')]);
    });
  });

  it('stops a partition that must not pass an event by, says so, and leaves its neighbours alone', async () => {
    world.kafka.assignment = ['t/0', 't/1'];
    const stopped = world.kafka.log('t/0', ['bad', 'behind']);
    const neighbour = world.kafka.log('t/1', ['a']);
    world.work = async ([first]) => {
      if (first!.partition === 0) throw new ExactlyOnceError('EO_STOPPED', 'on purpose');
    };
    await world.start();
    await world.until('it stops', () => /t\/0: .*EO_STOPPED/.test(world.consumer.health().reason ?? ''));

    stopped.values.push('more');
    neighbour.values.push('b', 'c');
    await world.until('the neighbour goes on', () => world.done.length === 3);

    expect(world.done).toEqual(['a', 'b', 'c']);
    expect(world.kafka.paused.has('t/0')).toBe(true);
    expect(world.kafka.committed.has('t/0')).toBe(false);
  });
});
