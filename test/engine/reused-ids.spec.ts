import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { MemoryWorld } from './memory-world.js';

describe('another body under a known id', () => {
  let world: MemoryWorld;

  beforeEach(() => {
    world = new MemoryWorld();
  });

  afterEach(async () => {
    await world.stop();
  });

  const one = (source = 'test') => world.message('1', '{"a":1}', 'happened', source);
  const other = (source = 'test') => world.message('1', '{"a":2}', 'happened', source);

  it('is dead-lettered for each source', async () => {
    await world.start([world.handler('h')], { dedupCacheSize: 0 });

    world.broker.append('in', one('s1'), one('s2'));
    await world.pass();
    world.broker.append('in', other('s1'), other('s2'));
    await world.pass();

    expect(world.letters).toEqual(['h EO_ID_REUSED 1', 'h EO_ID_REUSED 1']);
    expect(world.storage.deadLetters.letters.map(({ source }) => source)).toEqual(['s1', 's2']);
  });

  it('is dead-lettered once where both bodies, and each twice, stand in one group', async () => {
    const commits = world.countAtCommits();
    await world.start([world.handler('h')]);

    world.broker.append('in', one(), other(), one(), other());
    await world.pass();

    expect(commits).toEqual([1]);
    expect(world.effects).toEqual(['h 1']);
    expect(world.letters).toEqual(['h EO_ID_REUSED 1']);
  });

  it('is taken back with a group that ends before it, and dead-lettered then', async () => {
    await world.start([world.handler('h', ({ id }) => (id === 'slow' ? world.clock.sleep(60) : undefined))]);
    world.broker.append('in', one());
    await world.pass();

    world.broker.append('in', world.message('slow'), other(), world.message('2'));
    await world.pass(1_000);

    expect(world.effects).toEqual(['h 1', 'h slow', 'h 2']);
    expect(world.letters).toEqual(['h EO_ID_REUSED 1']);
  });

  it('is asked of the database each time: what was forgotten there is handled', async () => {
    await world.start([world.handler('h')]);
    world.broker.append('in', one(), other());
    await world.pass();
    world.broker.append('in', other());
    await world.pass();

    await world.storage.inbox.deleteOlderThan(-1, 100);
    world.broker.append('in', other());
    await world.pass();

    expect(world.letters).toEqual(['h EO_ID_REUSED 1']);
    expect(world.effects).toEqual(['h 1', 'h 1']);
  });

  it('never deadlocks with another partition that meets the same ones in another order', async () => {
    const types = ['in', 'beside'].map((topic) => ({
      type: topic === 'in' ? 'happened' : 'other',
      topic,
      version: 1,
    }));
    await world.start([world.handler('h'), world.handler('o', undefined, { type: 'other' })], {
      types,
      dedupCacheSize: 0,
    });
    world.feed('1', '2', '3');
    await world.pass();

    const again = ['1', '2', '3'].map((id) => world.message(id, '{"other":true}'));
    world.broker.append('in', ...again);
    world.broker.append('beside', ...again.toReversed());
    await world.pass(1_000);
    world.feed('4');
    await world.pass();

    expect(world.letters).toHaveLength(3);
    expect(world.effects).toContain('h 4');
  });
});
