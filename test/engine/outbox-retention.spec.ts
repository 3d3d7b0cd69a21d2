import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { MemoryWorld } from './memory-world.js';

const minuteMs = 60_000;
const type = { type: 'o', topic: 'out', version: 1 };

describe('what the retention removes of the outbox', () => {
  let world: MemoryWorld;

  beforeEach(() => {
    world = new MemoryWorld();
  });

  afterEach(async () => {
    await world.stop();
  });

  const publish = () => world.engine.transaction(() => world.engine.outbox.publish(type, {}));
  const pending = async () => (await world.storage.outbox.depth()).pending;

  it('is what another than a relay has sent, once it is old enough', async () => {
    const retention = { intervalMs: 1_000, unrelayedMs: 10 * minuteMs };
    await world.start([], { relay: false, retention });

    await publish();
    await world.pass(9 * minuteMs);
    await publish();
    expect(await pending()).toBe(2);
    await world.pass(2 * minuteMs);

    expect(await pending()).toBe(1);
  });

  it('is nothing that waits for a relay, however long', async () => {
    await world.start([], { relay: false, retention: { intervalMs: 1_000 } });

    await publish();
    await world.pass(60 * minuteMs);

    expect(await pending()).toBe(1);
  });

  it('is what a relay has sent, at once or when the archive has kept it for its time', async () => {
    await world.start([], { relay: { archiveMs: 10 * minuteMs }, retention: { intervalMs: 1_000 } });
    await publish();
    await world.pass(9 * minuteMs);
    expect(world.broker.topic('out')).toHaveLength(1);
    expect(await world.storage.outbox.archive.list(10)).toMatchObject([{ type: 'o', state: 'sent' }]);
    await world.pass(2 * minuteMs);

    expect(await world.storage.outbox.archive.list(10)).toEqual([]);
  });

  it('is nothing of an archive that is not asked for', async () => {
    await world.start([], { retention: { intervalMs: 60 * minuteMs } });
    await publish();
    await world.pass(5_000);

    expect(world.broker.topic('out')).toHaveLength(1);
    expect(await world.storage.outbox.archive.list(10)).toEqual([]);
  });
});
