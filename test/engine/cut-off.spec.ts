import { jsonCodec } from '@exactly-once/core';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { MemoryWorld } from './memory-world.js';

describe('a call that is cut off', () => {
  let world: MemoryWorld;

  beforeEach(() => {
    world = new MemoryWorld();
  });

  afterEach(async () => {
    await world.stop();
  });

  it('does not begin its handler where decoding the body took all of its time', async () => {
    let slow = true;
    const decode: typeof jsonCodec.decode = async (...given) => {
      if (slow) {
        slow = false;
        await world.clock.sleep(500);
      }
      return jsonCodec.decode(...given);
    };
    await world.start([world.handler('h', undefined, { timeoutMs: 100 })], {
      codec: { ...jsonCodec, decode },
    });

    world.feed('1');
    await world.pass(5_000);

    expect(world.calls).toEqual(['h 1']);
    expect(world.effects).toEqual(['h 1']);
  });

  it('does not begin where setting its savepoint took all of its time', async () => {
    let savepoints = 0;
    world.eachTransaction((transaction) => {
      const savepoint = transaction.savepoint.bind(transaction);
      transaction.savepoint = async (work) => {
        if (savepoints++ === 0) await world.clock.sleep(500);
        return savepoint(work);
      };
    });
    let swallowed = false;
    let decoded = 0;
    const decode: typeof jsonCodec.decode = (...given) => {
      decoded++;
      return jsonCodec.decode(...given);
    };
    await world.start(
      [
        world.handler(
          'h',
          ({ id }) => {
            if (id !== '2' || swallowed) return;
            swallowed = true;
            try {
              world.failStatement(new Error('swallowed, so that the group is run with savepoints'));
            } catch {
              // as a careless handler does
            }
          },
          { timeoutMs: 100 },
        ),
      ],
      { codec: { ...jsonCodec, decode }, order: 'partition' },
    );

    world.feed('1', '2');
    await world.pass(5_000);

    expect(savepoints).toBeGreaterThan(0);
    expect(world.calls).toEqual(['h 1', 'h 2', 'h 1', 'h 2']);
    expect(decoded).toBe(4);
    expect(world.effects).toEqual(['h 1', 'h 2']);
  });
});
