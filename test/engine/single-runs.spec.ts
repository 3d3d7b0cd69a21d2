import { noTelemetry } from '@exactly-once/core';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { MortalWorld } from './mortal-world.js';

describe('running singly after a death, where the broker begins before the fence', () => {
  let world: MortalWorld;

  beforeEach(() => {
    world = new MortalWorld();
  });

  afterEach(async () => {
    await world.stop();
  });

  it('is found behind what a broker delivers again from before the fence', async () => {
    world.feed('A', 'K', 'B');
    const once = { batch: { maxEvents: 1 } };
    await world.begin([world.killing('h', 'K')], once);

    for (let life = 2; life <= 6; life++) await world.begin([world.killing('h', 'K')], once, false, 0n);

    expect(world.waiting).toEqual(['K EO_PROCESS_KILLED, 3 deaths']);
    expect(world.effects).toEqual(['h A', 'h B']);
  });

  it('costs nothing where a broker delivers again from before the fence', async () => {
    world.feed('A', 'B', 'C', 'D');
    await world.begin([world.killing('h', 'none')]);
    world.feed('K');
    const sizes: number[] = [];
    const telemetry = {
      ...noTelemetry,
      record: (name: string, value: number) => void (name === 'exactly_once.batch_size' && sizes.push(value)),
    };

    await world.begin([world.killing('h', 'none')], { telemetry }, false, 0n);

    expect(sizes).toEqual([4, 1]);
  });
});
