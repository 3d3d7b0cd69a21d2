import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { ConsumerWorld } from './consumer-world.js';

describe('a partition’s claim', () => {
  let world: ConsumerWorld;

  beforeEach(() => {
    world = new ConsumerWorld();
    world.kafka.assignment = ['t/0'];
  });

  afterEach(async () => {
    await world.consumer.stop(100);
  });

  it('anchors a group that starts from the latest before anything is fetched, and misses no record after that', async () => {
    const log = world.kafka.log('t/0', ['old', 'older']);
    await world.start({ startFrom: 'latest' });
    await world.claimed('t/0');
    expect(await world.fence('t/0')).toMatchObject({ nextOffset: 2n });

    log.values.push('first', 'second');
    await world.until('both are done', () => world.done.length >= 2);

    expect(world.done).toEqual(['first', 'second']);
  });

  it('tells the broker what a former owner had no time to say, also where no further event comes', async () => {
    world.kafka.log('t/0', ['a', 'b']);
    await world.storage.fences.claim({ group: 'g', topic: 't', partition: 0 }, 'before', 2n);
    await world.start();

    await world.until('the group is at the end', () => world.kafka.committed.get('t/0') === '2');

    expect(world.done).toEqual([]);
  });

  it('is up only when a first claim has been made', async () => {
    world.kafka.log('t/0');
    world.kafka.answersHeartbeats = false;
    await world.start();
    await world.kafka.round();

    expect(world.consumer.health()).toMatchObject({
      status: 'down',
      reason: expect.stringMatching(/claimed/),
    });
    world.kafka.answersHeartbeats = true;
    await world.claimed('t/0');
  });

  it('waits for a heartbeat of the present generation', async () => {
    world.kafka.log('t/0', ['a']);
    await world.start();
    await world.claimed('t/0');
    const before = await world.fence('t/0');

    world.kafka.answersHeartbeats = false;
    world.kafka.join('t/0');
    for (let round = 0; round < 100; round++) await world.kafka.round();
    expect(await world.fence('t/0')).toMatchObject({ owner: before!.owner });

    world.kafka.answersHeartbeats = true;
    await world.until('it is claimed anew', async () => (await world.fence('t/0'))!.owner !== before!.owner);
    expect((await world.fence('t/0'))!.owner).toMatch(/\/m\/2$/);
  });

  it('waits for what an earlier join still has in its handler', async () => {
    world.kafka.log('t/0', ['a']);
    let release: () => void = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    world.work = () => held;
    await world.start();
    await world.until('the handler runs', () => world.kafka.handed.length > 0);
    const before = await world.fence('t/0');

    world.kafka.join('t/0');
    for (let round = 0; round < 100; round++) await world.kafka.round();
    expect(await world.fence('t/0')).toMatchObject({ owner: before!.owner });
    release();

    await world.until('it is claimed anew', async () => (await world.fence('t/0'))!.owner !== before!.owner);
  });

  it('discards what was fetched before it', async () => {
    world.kafka.log('t/0', ['a', 'b', 'c']);
    await world.start();
    while (world.kafka.paused.has('t/0')) {
      await world.kafka.heartbeat();
      await new Promise((resolve) => setTimeout(resolve, 1));
    }

    await world.kafka.hand('t/0', 2);
    await world.until('all are done', () => world.done.length === 3);

    expect(world.kafka.handed[0]).toBe('t/0@2 left');
    expect(world.done).toEqual(['a', 'b', 'c']);
  });

  it('takes nothing of a partition that is not assigned', async () => {
    world.kafka.log('t/0');
    world.kafka.log('t/1', ['stray']);
    await world.start();
    await world.claimed('t/0');

    await world.kafka.hand('t/1', 0);

    expect(world.kafka.handed).toEqual(['t/1@0 left']);
    expect(await world.fence('t/1')).toBeNull();
  });

  it('tells the broker where a replaced log begins before it works, so that the next claim goes on', async () => {
    world.kafka.log('t/0', ['x', 'y']);
    world.kafka.committed.set('t/0', '1000');
    await world.storage.fences.claim({ group: 'g', topic: 't', partition: 0 }, 'before', 1000n);
    world.work = async () => {
      expect(world.kafka.committed.get('t/0')).toBe('0');
      throw new Error('not yet');
    };
    await world.start();
    await world.until('the log is begun', () => world.kafka.handed.length > 0);

    world.work = async () => {};
    world.kafka.join('t/0');
    await world.until('both are done', () => world.done.length >= 2);

    expect(world.done).toEqual(['x', 'y']);
    expect(world.lines.join('\n')).toContain('EO_LOG_CHANGED');
    expect(world.lines.join('\n')).not.toContain('EO_OFFSET_AHEAD');
  });

  it('takes a partition that the admin does not know yet for unknown, never for empty', async () => {
    world.kafka.log('t/0', ['a', 'b', 'c', 'd']);
    await world.storage.fences.claim({ group: 'g', topic: 't', partition: 0 }, 'before', 3n);
    world.kafka.unknown.add('t/0');
    await world.start();
    await world.until('it says so', () => /not known/.test(world.consumer.health().reason ?? ''));
    expect(await world.fence('t/0')).toMatchObject({ nextOffset: 3n, logGeneration: 1, owner: 'before' });

    world.kafka.unknown.clear();
    await world.until('d is done', () => world.done.length > 0);
    expect(world.done).toEqual(['d']);
  });

  it('begins a log anew where the record before the position is another one, though the log is longer', async () => {
    world.kafka.log('t/0', ['a', 'b']);
    await world.start();
    await world.until('both are done', () => world.done.length >= 2);

    world.kafka.log('t/0', ['c', 'd', 'e']);
    world.kafka.join('t/0');
    await world.until('the new ones are done', () => world.done.length >= 5);

    expect(world.done).toEqual(['a', 'b', 'c', 'd', 'e']);
    expect(await world.fence('t/0')).toMatchObject({ nextOffset: 3n, logGeneration: 2 });
  });

  it.each([
    ['ends before its position', ['x']],
    ['has another record before its position', ['x', 'y', 'z']],
  ])('stops where positions alone decide and the log %s, and says so', async (_, log) => {
    world.kafka.log('t/0', ['a', 'b']);
    await world.start({ dedup: 'offset' });
    await world.until('both are done', () => world.done.length >= 2);

    world.kafka.log('t/0', log);
    world.kafka.join('t/0');
    await world.until('it says so', () => /EO_LOG_CHANGED/.test(world.consumer.health().reason ?? ''));
    for (let round = 0; round < 50; round++) await world.kafka.round();

    expect(world.done).toEqual(['a', 'b']);
    expect(await world.fence('t/0')).toMatchObject({ nextOffset: 2n, logGeneration: 1 });
    expect(world.lines.filter((line) => line.includes('EO_LOG_CHANGED'))).toHaveLength(1);
    expect(world.lines.join('\n')).not.toMatch(/again in|claimed anew/);
    expect(world.consumer.health().status).toBe('down');
  });

  it('is made anew where records before the expected one arrive', async () => {
    world.kafka.log('t/0', ['a', 'b', 'c']);
    await world.start();
    await world.until('all are done', () => world.done.length >= 3);

    world.kafka.log('t/0', ['x']);
    await world.kafka.hand('t/0', 0);
    await world.until('the new one is done', () => world.done.length >= 4);

    expect(world.done).toEqual(['a', 'b', 'c', 'x']);
    expect(world.lines.join('\n')).toMatch(/EO_LOG_CHANGED.*it ends at 1, before 3/);
  });

  it('shares the broker’s answers: a join of 60 partitions asks few times, not twice for each', async () => {
    const names = Array.from({ length: 60 }, (_, partition) => `t/${partition}`);
    for (const name of names) world.kafka.log(name, ['a']);
    world.kafka.assignment = names;

    await world.start();
    await world.claimed(...names);

    expect(world.kafka.adminRequests).toBeLessThan(20);
  });
});

describe('a gap before what was fetched', () => {
  let world: ConsumerWorld;

  beforeEach(async () => {
    world = new ConsumerWorld();
    world.kafka.assignment = ['t/0'];
  });

  afterEach(async () => {
    await world.consumer.stop(100);
  });

  it('is named where the retention took the records, and the rest is handled', async () => {
    const log = world.kafka.log('t/0', ['a']);
    await world.start();
    await world.until('a is done', () => world.done.length === 1);

    log.values.push('b', 'c', 'd');
    log.low = 3;
    await world.until('it is named', () => world.lines.some((line) => line.includes('records 1 to 2')));

    await world.until('d is done', () => world.done.length === 2);
    expect(world.done).toEqual(['a', 'd']);
  });

  it('is nothing where compaction made it', async () => {
    const log = world.kafka.log('t/0', ['a']);
    await world.start();
    await world.until('a is done', () => world.done.length === 1);
    const asked = world.kafka.adminAnswered;

    log.values.push(undefined, undefined, 'd');
    await world.until('d is done', () => world.done.length === 2);

    await world.until('the log was asked', () => world.kafka.adminAnswered > asked);
    await world.kafka.round();
    expect(world.lines).toEqual([]);
  });
});
