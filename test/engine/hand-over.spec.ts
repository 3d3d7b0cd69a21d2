import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { key, MortalWorld } from './mortal-world.js';

describe('a partition that is given away while a group of it is open', () => {
  let world: MortalWorld;

  beforeEach(() => {
    world = new MortalWorld();
  });

  afterEach(async () => {
    await world.stop();
  });

  it('is clean with the commit of that group: nobody has died', async () => {
    world.feed('A', 'B');
    const { draining } = await world.begin([world.handler('h', () => world.clock.sleep(100))]);

    const claiming = world.storage.fences.claim(key, 'next', 0n);
    draining.abort();
    await world.pass(1_000);

    expect(world.effects).toEqual(['h A']); // the group ended at its time, and no other began
    expect(await claiming).toMatchObject({ clean: true, nextOffset: 1n });
  });

  it('is not, where its owner dies all the same', async () => {
    world.feed('A', 'B');
    const { draining } = await world.begin([world.handler('h', () => world.clock.sleep(100))]);

    const claiming = world.storage.fences.claim(key, 'next', 0n);
    draining.abort();
    void world.die();
    await world.pass(1_000);

    expect(await claiming).toMatchObject({ clean: false, nextOffset: 0n });
  });
});
