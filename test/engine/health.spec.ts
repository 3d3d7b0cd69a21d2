import { noTelemetry, RetryAfterError } from '@exactly-once/core';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { caused, MemoryWorld } from './memory-world.js';

const away = async () => {
  throw new Error('away');
};

describe('health', () => {
  let world: MemoryWorld;

  beforeEach(() => {
    world = new MemoryWorld();
  });

  afterEach(async () => {
    await world.stop();
  });

  const part = (name: string) => world.engine.health().parts[name];

  it('notices without any traffic that the database is gone, and that it is back', async () => {
    const ping = world.storage.ping;
    await world.start([world.handler('h')], { relay: false });
    await world.pass(1_000);
    expect(world.engine.health().status).toBe('up');

    world.storage.ping = away;
    await world.pass(6_000);
    expect(part('storage')).toEqual({ status: 'down', reason: 'Error: away' });
    expect(world.engine.health().status).toBe('down');
    world.storage.ping = ping;
    await world.pass(6_000);

    expect(world.engine.health().status).toBe('up');
  });

  it('notices without any traffic that the broker is gone', async () => {
    await world.start([world.handler('h')], { relay: false });
    world.broker.ping = away;

    await world.pass(6_000);

    expect(part('broker')).toEqual({ status: 'down', reason: 'Error: away' });
    expect(part('storage')).toEqual({ status: 'up' });
  });

  it('takes a database that does not answer for one that is gone, and asks it once at a time', async () => {
    let asked = 0;
    world.storage.ping = () => {
      asked++;
      return new Promise(() => {});
    };
    await world.start([world.handler('h')], { relay: false });

    await world.pass(60_000);

    expect(part('storage')).toMatchObject({ status: 'down', reason: expect.stringMatching(/no answer/) });
    expect(asked).toBe(1);
  });

  it('books what fails in the background under its own name', async () => {
    const publisher = world.broker.publisher();
    world.broker.publisher = () => ({ ...publisher, start: away });

    await world.start([world.handler('h')]);
    await world.pass();

    expect(part('relay')).toEqual({ status: 'down', reason: 'Error: away' });
    expect(part('consumer')).toMatchObject({ status: 'up' });
  });

  it('says what retention fails at, and stays up: no event waits for it', async () => {
    world.storage.inbox.deleteOlderThan = away;
    await world.start([world.handler('h')], { retention: { intervalMs: 1_000 } });

    await world.pass(1_500);

    expect(part('retention')).toEqual({ status: 'up', reason: 'Error: away' });
    expect(world.engine.health().status).toBe('up');
  });

  it('sweeps the one where sweeping the other fails', async () => {
    let swept = 0;
    world.storage.inbox.deleteOlderThan = away;
    world.storage.log.deleteOlderThan = async () => {
      swept++;
      return 0;
    };

    await world.start([world.handler('h')], { retention: { intervalMs: 1_000 } });
    await world.pass(500);

    expect(swept).toBe(1);
  });

  it('says that events were refused by the broker, and how many', async () => {
    const gauges: Record<string, number> = {};
    const publisher = world.broker.publisher();
    world.broker.publisher = () => ({
      ...publisher,
      send: async (events) => events.map(() => ({ status: 'refused' as const, reason: 'too large' })),
    });
    const telemetry = {
      ...noTelemetry,
      gauge: (name: string, value: number) => {
        gauges[name] = value;
      },
    };
    await world.start([], { telemetry });
    await world.pass();
    expect(part('outbox')).toEqual({ status: 'up' });

    await world.engine.transaction(() => world.engine.outbox.publish(caused, { by: 'x' }));
    await world.pass(15_000);

    expect(gauges['exactly_once.outbox_dead']).toBe(1);
    expect(gauges['exactly_once.outbox_depth']).toBe(0);
    expect(part('outbox')).toMatchObject({
      status: 'up',
      reason: expect.stringMatching(/^1 event.*refused/),
    });
    expect(part('relay')).toEqual({ status: 'up' });
  });

  it('measures what is parked', async () => {
    const parked: number[] = [];
    const gauge = (name: string, value: number) => {
      if (name === 'exactly_once.parked_events') parked.push(value);
    };
    let fails = true;
    const handler = world.handler('h', () => {
      if (fails) throw new RetryAfterError(20_000);
    });
    await world.start([handler], { telemetry: { ...noTelemetry, gauge } });
    world.feed('1', '2');
    await world.pass(15_000);
    fails = false;
    await world.pass(40_000);

    expect(parked.slice(0, 2)).toEqual([0, 2]);
    expect(parked.at(-1)).toBe(0);
  });

  it('says that the depth of the outbox is not known', async () => {
    world.storage.outbox.depth = away;
    await world.start([]);

    await world.pass();

    expect(part('outbox')).toEqual({ status: 'up', reason: 'Error: away' });
  });
});
