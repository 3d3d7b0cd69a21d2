import { RetryAfterError } from '@exactly-once/core';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { MortalWorld } from './mortal-world.js';

const decision = { by: 'ada', why: 'paid by hand' };

/** A person decides about an event that waits: it is not tried any more. */
describe('a parked event that is given up by hand', () => {
  let world: MortalWorld;

  beforeEach(() => {
    world = new MortalWorld();
  });

  afterEach(async () => {
    await world.stop();
  });

  it('is a dead letter at once, with who and why, and the next of its key goes on', async () => {
    const failing = world.handler('h', ({ id }) => {
      if (id === 'A') throw new RetryAfterError(3_600_000, 'the provider is closed');
    });
    await world.start([failing]);
    world.feedKeyed(['A', 'a'], ['B', 'a'], ['C', 'c']);
    await world.pass(3_000);
    const [scope] = await world.engine.parked();

    const given = await world.storage.parked.giveUp(scope!, decision);
    await world.pass(3_000);
    const again = await world.storage.parked.giveUp(scope!, decision);
    const letter = await world.storage.deadLetters.find(1n);

    expect([given, again]).toEqual([true, false]);
    expect(world.calls).toEqual(['h A', 'h C', 'h B']);
    expect(world.letters).toEqual(['h EO_GIVEN_UP A']);
    expect(letter?.errorChain.join('\n')).toMatch(
      /given up by ada: paid by hand[\s\S]*the provider is closed/,
    );
    expect(letter?.attempts).toBe(1);
    expect(world.waiting).toEqual([]);
  });

  it('kills nobody any more', async () => {
    world.feedKeyed(['K', 'k'], ['K2', 'k']);
    for (let life = 1; life <= 6; life++) await world.begin([world.killing('h', 'K')]);
    await world.begin([world.killing('h', 'K')]);
    const before = world.calls.length;
    const waiting = [...world.waiting];
    const [scope] = await world.engine.parked();

    await world.storage.parked.giveUp(scope!, decision);
    world.broker.consumer = () => ({
      start: async () => {},
      stop: async () => {},
      health: () => ({ status: 'up' }),
    });
    await world.start([world.killing('h', 'K')]);
    await world.pass(10_000);

    expect(waiting[0]).toBe('K EO_PROCESS_KILLED, 3 deaths');
    expect(world.calls.slice(before)).toEqual(['h K2']);
    expect(world.letters).toEqual(['h EO_GIVEN_UP K']);
  });
});
