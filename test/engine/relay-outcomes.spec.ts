import type { EventEnvelope, SendOutcome } from '@exactly-once/core';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { MemoryWorld } from './memory-world.js';

/** Answers `later` for the topic `missing` as long as it is; keeps what was sent. */
class Patchy {
  missing = true;
  readonly sent: string[] = [];

  async start(): Promise<void> {}
  async stop(): Promise<void> {}
  async send(events: readonly EventEnvelope[]): Promise<SendOutcome[]> {
    return events.map(({ topic }): SendOutcome => {
      if (this.missing && topic === 'missing') return { status: 'later', reason: 'topic "missing"' };
      this.sent.push(topic);
      return { status: 'sent' };
    });
  }
}

describe('the relay, where the broker answers for each event', () => {
  let world: MemoryWorld;

  beforeEach(() => {
    world = new MemoryWorld();
  });

  afterEach(async () => {
    await world.stop();
  });

  it('settles what was sent, keeps what has to wait, says so, and sends that later', async () => {
    const publisher = new Patchy();
    world.broker.publisher = () => publisher;
    await world.start([]);

    await world.engine.transaction(async () => {
      await world.engine.outbox.publish({ type: 'm', topic: 'missing', version: 1 }, {});
      await world.engine.outbox.publish({ type: 'o', topic: 'other', version: 1 }, {});
    });
    await world.pass(5_000);
    expect(publisher.sent).toEqual(['other']);
    expect(world.engine.health().parts['relay']).toEqual({ status: 'down', reason: 'topic "missing"' });
    expect(await world.storage.outbox.depth()).toMatchObject({ pending: 1, dead: 0 });
    expect(world.log.filter((line) => line.includes('topic "missing"'))).toHaveLength(1);

    publisher.missing = false;
    await world.pass(5_000);
    expect(publisher.sent).toEqual(['other', 'missing']);
    expect(world.engine.health().status).toBe('up');
  });

  it('sends what stands behind more waiting events than a round takes', async () => {
    const publisher = new Patchy();
    world.broker.publisher = () => publisher;
    await world.start([], { relay: { batchSize: 2, maxPollMs: 500 } });

    await world.engine.transaction(async () => {
      for (let number = 0; number < 5; number++) {
        await world.engine.outbox.publish({ type: 'm', topic: 'missing', version: 1 }, { number });
      }
      await world.engine.outbox.publish({ type: 'o', topic: 'other', version: 1 }, {});
    });
    await world.pass(5_000);
    expect(publisher.sent).toEqual(['other']);

    publisher.missing = false;
    await world.pass(5_000);
    expect(publisher.sent).toEqual(['other', ...Array(5).fill('missing')]);
  });

  it('does not look at what waits each time that it looks for something else', async () => {
    const publisher = new Patchy();
    world.broker.publisher = () => publisher;
    const looks: bigint[] = [];
    const { outbox } = world.storage;
    const claim = outbox.claim.bind(outbox);
    outbox.claim = async (lease, limit, bounds = {}) => {
      if (bounds.exceptTopics?.length === 1) looks.push(bounds.from ?? 0n);
      return claim(lease, limit, bounds);
    };
    await world.start([], { relay: { batchSize: 10, maxPollMs: 500 } });
    const publish = (topic: string) =>
      world.engine.transaction(() => world.engine.outbox.publish({ type: 't', topic, version: 1 }, {}));
    for (let number = 0; number < 50; number++) await publish('missing');
    await publish('other');
    await world.pass(1_000);
    looks.length = 0;

    for (let number = 0; number < 30; number++) {
      await publish('other');
      await world.pass(100);
    }

    expect(publisher.sent).toHaveLength(31);
    expect(looks.length).toBeGreaterThan(20);
    expect(looks.filter((from) => from > 50n)).toEqual(looks);
  });
});
