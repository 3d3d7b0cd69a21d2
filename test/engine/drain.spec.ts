import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { caused, MemoryWorld } from './memory-world.js';

describe('draining an engine', () => {
  let world: MemoryWorld;

  beforeEach(() => {
    world = new MemoryWorld();
  });

  afterEach(async () => {
    await world.stop();
  });

  it('lets the running handler end and begins with no other event', async () => {
    await world.start([world.handler('h', () => world.clock.sleep(1_000), { commit: 'event' })]);
    world.feed('1', '2');
    await world.pass();

    const draining = world.engine.drain();
    await world.pass(2_000);
    await draining;
    world.feed('3');
    await world.pass(10_000);

    expect(world.calls).toEqual(['h 1']);
    expect(world.effects).toEqual(['h 1']);
  });

  it('still takes transactions and sends what they publish', async () => {
    await world.start([world.handler('h')]);

    await world.engine.drain();
    await world.engine.transaction(() => world.engine.outbox.publish(caused, { by: 'http' }));
    await world.pass(5_000);

    expect(world.published).toHaveLength(1);
  });
});
