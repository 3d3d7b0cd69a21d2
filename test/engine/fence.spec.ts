import { bodyFingerprint, type EventContext } from '@exactly-once/core';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { MemoryWorld } from './memory-world.js';

const patient = {
  order: 'partition' as const,
  retry: { attempts: 1_000, backoffMs: 60_000, maxBackoffMs: 60_000 },
};
const key = { group: 'test', topic: 'in', partition: 0 };

function failing({ id }: EventContext): void {
  if (id === 'B') throw new Error('not yet');
}

/** The next owner compares the fence's fingerprint with the record before its position. */
describe('the fence of a partition', () => {
  let world: MemoryWorld;

  beforeEach(() => {
    world = new MemoryWorld();
  });

  afterEach(async () => {
    await world.stop();
  });

  it.each([
    ['the time of its transaction is over', () => world.clock.sleep(60)],
    ['its second handler fails', () => Promise.resolve()],
  ])('carries the fingerprint of the record before it where %s within a delivery', async (_, slow) => {
    await world.start([
      world.handler('a', async ({ id }) => {
        if (id === 'B') await slow();
      }),
      world.handler('b', failing, patient),
    ]);

    world.broker.append('in', world.message('A', '{"n":1}'));
    await world.pass();
    world.broker.append('in', world.message('B', '{"n":2}'));
    await world.pass(200);

    expect(world.effects).toEqual(['a A', 'b A', 'a B']);
    await expectFence(1n, 0);
  });

  it('carries the fingerprint of the last record where a group ends at its end', async () => {
    await world.start([world.handler('h')]);

    world.broker.append('in', world.message('A', '{"n":1}'), world.message('B', '{"n":2}'));
    await world.pass();

    await expectFence(2n, 1);
  });

  it('carries it on from its claim', async () => {
    await world.storage.fences.claim(key, 'before', 0n);
    const earlier = await world.storage.begin();
    const print = bodyFingerprint(Buffer.from('{"n":1}'));
    const move = { key, owner: 'before', expected: 0n, next: 1n, lastFingerprint: print };
    await world.storage.fences.advance(earlier, move);
    await earlier.seal();
    await earlier.commit();
    await world.start([world.handler('a'), world.handler('b', failing, patient)]);

    world.broker.append('in', world.message('A', '{"n":1}'), world.message('B', '{"n":2}'));
    await world.pass(200);

    expect(world.effects).toEqual(['a B']);
    await expectFence(1n, 0);
  });

  async function expectFence(nextOffset: bigint, record: number): Promise<void> {
    const row = await world.storage.fences.read(key);
    const print = bodyFingerprint(world.broker.topic('in')[record]!.body);
    expect(row?.nextOffset).toBe(nextOffset);
    expect(Buffer.from(row!.lastFingerprint!)).toEqual(Buffer.from(print));
  }
});
