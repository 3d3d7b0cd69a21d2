import { randomUUID } from 'node:crypto';
import type { Engine, EngineOptions } from '@exactly-once/core';
import { kafkaBroker } from '@exactly-once/kafka';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Producer } from 'kafkajs';
import { type OrderPlaced, World } from '../engine/world.js';
import { until } from '../services/ports.js';

describe('startFrom', () => {
  let world: World;
  let producer: Producer;
  const seen: number[] = [];

  beforeEach(async () => {
    seen.length = 0;
    world = await World.open('start-from', 1);
    producer = world.kafka.client.producer();
    await producer.connect();
  });

  afterEach(async () => {
    await producer.disconnect();
    await world.close();
  });

  it('latest begins with the first record after the start, and a restart before it misses none', async () => {
    await produce(0);
    const first = await consume('latest');
    await first.stop();
    await produce(1);

    await consume('latest');
    await produce(2);
    await handled(2);

    expect(seen).toEqual([1, 2]);
  });

  it.each(['latest', 'earliest'] as const)(
    '%s goes on with the first record that is left where the retention was faster, and names the others',
    async (from) => {
      let release: () => void = () => {};
      const held = new Promise<void>((resolve) => {
        release = resolve;
      });
      await consume(from, async (cents) => {
        if (cents === 1) await held;
      });
      await produce(0);
      await handled(1);
      await produce(...Array.from({ length: 60 }, (_, index) => index + 1));
      await handled(2);

      await world.kafka.admin(async (admin) => {
        const partitions = [{ partition: 0, offset: '40' }];
        await admin.fetchTopicOffsets(world.topic);
        await admin.deleteTopicRecords({ topic: world.topic, partitions });
      });
      release();
      await until('the last is handled', async () => seen.includes(60));

      const after = seen.filter((cents) => cents >= 40);
      expect(after).toEqual(Array.from({ length: 21 }, (_, index) => index + 40));
      expect(world.log.join('\n')).toMatch(/records \d+ to 39 have left the log/);
    },
  );

  async function consume(
    from: 'latest' | 'earliest',
    work: (cents: number) => Promise<void> = async () => {},
  ): Promise<Engine> {
    const { create } = kafkaBroker({
      client: { brokers: world.kafka.brokers },
      consumer: { maxBytesPerPartition: 300 },
      queue: { maxEvents: 3 },
    });
    const options: Pick<EngineOptions, 'startFrom' | 'handlers'> = {
      startFrom: { [world.topic]: from },
      handlers: [
        {
          name: 'order',
          type: 'order.placed',
          commit: 'event',
          timeoutMs: 60_000,
          invoke: async (data) => {
            const { cents } = data as OrderPlaced;
            seen.push(cents);
            await work(cents);
          },
        },
      ],
    };
    const engine = await world.engine({
      storage: await world.storage(),
      broker: create() as never,
      ...options,
    });
    await engine.start();
    await until('it is up', async () => engine.health().status === 'up');
    return engine;
  }

  async function produce(...all: number[]): Promise<void> {
    for (const cents of all) {
      const headers = {
        ce_specversion: '1.0',
        ce_id: randomUUID(),
        ce_source: 'test',
        ce_type: 'order.placed',
      };
      const message = { key: 'k', value: JSON.stringify({ orderId: 'o', cents }), headers };
      await producer.send({ topic: world.topic, messages: [message] });
    }
  }

  async function handled(count: number): Promise<void> {
    await until(`${count} are handled`, async () => seen.length >= count);
  }
});
