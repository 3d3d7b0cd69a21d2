import { type Broker, type EngineOptions, RetryAfterError } from '@exactly-once/core';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { MemoryWorld } from './memory-world.js';

const dayMs = 86_400_000;

describe('an engine that has started', () => {
  let world: MemoryWorld;

  beforeEach(() => {
    world = new MemoryWorld();
    const broker: Broker = world.broker;
    broker.retentionOf = async (topics) => new Map(topics.map((topic) => [topic, 14 * dayMs]));
  });

  afterEach(() => world.stop());

  const warnings = async (options: Partial<EngineOptions>, handler = world.handler('h')) => {
    await world.start([handler], { relay: false, retention: { windowDays: 7 }, ...options });
    await world.pass();
    return world.log.filter((line) => line.includes('deduplication window'));
  };

  it('warns of what outlasts its window: topics and retries', async () => {
    const found = await warnings({ foreignHandlers: [{ name: 'foreign', retry: { attempts: 100_000 } }] });

    expect(found).toHaveLength(2);
    expect(found.join('\n')).toContain('topic in keeps its records for 14 days');
    expect(found.join('\n')).toContain('foreign may try an event for 34.7 days');
  });

  it('warns of dead letters that are older than its window', async () => {
    await world.start(
      [
        world.handler('h', () => {
          throw new Error('on purpose');
        }),
      ],
      { retry: { attempts: 1 } },
    );
    world.feed('1');
    await world.pass(1_000);
    await world.stop();
    await world.pass(8 * dayMs);

    expect((await warnings({})).join('\n')).toMatch(/1 dead letter is older than the deduplication window/);
  });

  it('warns of parked events that are older than its window', async () => {
    const failing = world.handler('h', () => {
      throw new RetryAfterError(30 * dayMs);
    });
    await world.start([failing]);
    world.feed('1');
    await world.pass(1_000);
    await world.stop();
    await world.pass(8 * dayMs);

    expect((await warnings({})).join('\n')).toMatch(/1 parked event is older than the deduplication window/);
  });

  it('says nothing of a topic whose handlers know events by their position, nor where it forgets nothing', async () => {
    expect(await warnings({}, world.handler('h', undefined, { dedup: 'offset' }))).toEqual([]);
    await world.stop();
    expect(await warnings({ retention: false })).toEqual([]);
  });

  it('starts and is well where the broker does not answer', async () => {
    const broker: Broker = world.broker;
    broker.retentionOf = () => new Promise(() => {});

    expect(await warnings({})).toEqual([]);
    expect(world.engine.health().status).toBe('up');
  });
});
