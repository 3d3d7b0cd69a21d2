import { DatabaseBroker, type EventContext, type Storage } from '@exactly-once/core';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { until } from '../services/ports.js';
import { World } from './world.js';

const most = 10_000;
/** Groups double from 64: enough for several that are larger than what is taken at once where nobody asks for more. */
const events = 16_000;
const ordinaryTake = 1_000;
const body = JSON.stringify({ orderId: 'o', cents: 1, note: 'x'.repeat(170) });
const headersOf = (id: number) => ({
  ce_specversion: '1.0',
  ce_id: `event-${id}`,
  ce_source: 'test',
  ce_type: 'order.placed',
});

describe.each(['kafka', 'database'] as const)('a batch handler with a large lag, on %s', (broker) => {
  let world: World;

  beforeEach(async () => {
    world = await World.open('large', 1);
  });

  afterEach(async () => {
    await world.close();
  });

  it('gets more events at once than an ordinary take has, where `batch` and `maxEvents` say so', async () => {
    const storage = await world.storage();
    await (broker === 'kafka' ? produce() : append(storage));
    const sizes: number[] = [];
    const engine = await world.engine({
      storage,
      ...(broker === 'database' ? { broker: new DatabaseBroker({ partitions: 1 }) } : {}),
      batch: { maxEvents: most, maxBytes: 100_000_000, maxOpenMs: 60_000 },
      dedupCacheSize: 0,
      handlers: [
        {
          name: 'order',
          type: 'order.placed',
          batch: most,
          timeoutMs: 60_000,
          invokeBatch: async (_: readonly unknown[], contexts: readonly EventContext[]) => {
            sizes.push(contexts.length);
            await new Promise((resolve) => setTimeout(resolve, 300)); // slower than it is fetched: a lag it is
          },
        },
      ],
    });

    await engine.start();
    await until('all are handled', async () => (await inboxRows()) >= events, 90_000);

    expect(Math.max(...sizes)).toBeGreaterThan(ordinaryTake);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(most);
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(events);
  }, 120_000);

  async function produce(): Promise<void> {
    const producer = world.kafka.client.producer();
    await producer.connect();
    for (let from = 0; from < events; from += 2_000) {
      const messages = Array.from({ length: 2_000 }, (_, index) => {
        return { key: 'k', value: body, headers: headersOf(from + index) };
      });
      await producer.send({ topic: world.topic, messages });
    }
    await producer.disconnect();
  }

  async function append(storage: Storage): Promise<void> {
    await storage.open();
    await storage.log.createTopics([world.topic], 1);
    for (let from = 0; from < events; from += 2_000) {
      const records = Array.from({ length: 2_000 }, (_, index) => ({
        ...{ topic: world.topic, key: Buffer.from('k'), hash: 0, body: Buffer.from(body) },
        headers: headersOf(from + index),
      }));
      await storage.log.append(records);
    }
  }

  async function inboxRows(): Promise<number> {
    const [{ count }] = await world.database.query('SELECT count(*)::int AS count FROM eo_inbox');
    return count;
  }
});
