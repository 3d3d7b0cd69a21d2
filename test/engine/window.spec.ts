import { noTelemetry } from '@exactly-once/core';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { v7 } from 'uuid';
import { MemoryWorld } from './memory-world.js';

const dayMs = 86_400_000;

describe('an event that is older than the deduplication window', () => {
  let world: MemoryWorld;
  let counts: Record<string, number>;

  beforeEach(() => {
    world = new MemoryWorld();
    counts = {};
  });

  afterEach(async () => {
    await world.stop();
  });

  const telemetry = {
    ...noTelemetry,
    count: (name: string, value: number) => {
      counts[name] = (counts[name] ?? 0) + value;
    },
  };
  const start = (retention: { windowDays: number } | false = { windowDays: 1 }) =>
    world.start([world.handler('h')], {
      telemetry,
      relay: false,
      retention: retention && { ...retention, intervalMs: 86_400_000 },
      foreignHandlers: [{ name: 'foreign' }],
    });
  const idOf = (ageMs: number) => v7({ msecs: world.clock.now() - ageMs });
  const warnings = () => world.log.filter((line) => line.includes('deduplication window'));

  it('is handled, counted, and logged with its place, by the time in its id', async () => {
    await start();

    world.feed(idOf(2 * dayMs), idOf(0), idOf(3 * dayMs));
    await world.pass();

    expect(world.effects).toHaveLength(3);
    expect(counts['exactly_once.past_window']).toBe(2);
    expect(warnings()).toHaveLength(1);
    expect(warnings()[0]).toMatch(/^2 events.*in\/0@0/);
  });

  it("is told by the broker's time where its id carries none", async () => {
    await start();
    world.broker.append('in', world.message('old'));
    (world.broker.topic('in')[0] as { timestampMs: number }).timestampMs = world.clock.now() - 2 * dayMs;
    world.feed('young');
    await world.pass();

    expect(counts['exactly_once.past_window']).toBe(1);
  });

  it('is logged once a minute, however many come, and always counted', async () => {
    await start();

    for (let batch = 0; batch < 3; batch++) {
      world.feed(idOf(2 * dayMs));
      await world.pass(1_000);
    }
    expect(warnings()).toHaveLength(1);
    await world.pass(60_000);
    world.feed(idOf(2 * dayMs));
    await world.pass();

    expect(warnings()).toHaveLength(2);
    expect(counts['exactly_once.past_window']).toBe(4);
  });

  it('is flagged also where another transport brings it', async () => {
    await start();
    const { headers } = world.message(idOf(2 * dayMs));
    world.broker.append('queue', { headers, body: '{}' });
    const [delivery] = world.broker.topic('queue');

    await world.engine.handleForeign({
      handler: 'foreign',
      delivery: delivery!,
      read: () => ({
        id: headers.ce_id,
        source: 'rabbit',
        type: 'happened',
        version: 1,
        topic: 'queue',
        key: null,
        timeMs: null,
        contentType: 'application/json',
        headers: {},
        traceparent: null,
        tracestate: null,
        body: null,
      }),
      data: {},
      invoke: async () => {},
    });

    expect(counts['exactly_once.past_window']).toBe(1);
  });

  it('is not told where another process keeps the window', async () => {
    await start(false);

    world.feed(idOf(2_000 * dayMs));
    await world.pass();

    expect(counts['exactly_once.past_window']).toBeUndefined();
  });
});
