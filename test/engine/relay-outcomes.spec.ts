import type { EventEnvelope, SendOutcome } from '@exactly-once/core';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { MemoryWorld } from './memory-world.js';

describe('the relay, where the broker answers for each event', () => {
  let world: MemoryWorld;

  beforeEach(() => {
    world = new MemoryWorld();
  });

  afterEach(async () => {
    await world.stop();
  });

  it('settles what was sent, keeps what has to wait, says so, and sends that later', async () => {
    let missing = true;
    const sent: string[] = [];
    world.broker.publisher = () => ({
      start: async () => {},
      stop: async () => {},
      send: async (events: readonly EventEnvelope[]) =>
        events.map((event): SendOutcome => {
          if (missing && event.topic === 'missing') return { status: 'later', reason: 'topic "missing"' };
          sent.push(event.topic);
          return { status: 'sent' };
        }),
    });
    await world.start([]);

    await world.engine.transaction(async () => {
      await world.engine.outbox.publish({ type: 'm', topic: 'missing', version: 1 }, {});
      await world.engine.outbox.publish({ type: 'o', topic: 'other', version: 1 }, {});
    });
    await world.pass(5_000);
    expect(sent).toEqual(['other']);
    expect(world.engine.health().parts['relay']).toEqual({ status: 'down', reason: 'topic "missing"' });
    expect(await world.storage.outbox.depth()).toMatchObject({ pending: 1, dead: 0 });
    expect(world.log.filter((line) => line.includes('topic "missing"'))).toHaveLength(1);

    missing = false;
    await world.pass(5_000);
    expect(sent).toEqual(['other', 'missing']);
    expect(world.engine.health().status).toBe('up');
  });
});
