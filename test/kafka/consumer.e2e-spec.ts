import { randomUUID } from 'node:crypto';
import { Engine, type HandlerDefinition } from '@exactly-once/core';
import { kafkaBroker } from '@exactly-once/kafka';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type OrderPlaced, World } from '../engine/world.js';
import { KafkaBroker } from '../services/kafka-broker.js';
import { until } from '../services/ports.js';

describe('the Kafka consumer', () => {
  let world: World;

  beforeEach(async () => {
    world = await World.open('consumer', 2);
  });

  afterEach(async () => {
    await world.close();
  });

  it('goes on with other partitions while a handler is slow, without a rebalance', async () => {
    let release: () => void = () => {};
    const slow = new Promise<void>((resolve) => {
      release = resolve;
    });
    await consume(
      async (data) => {
        if ((data as OrderPlaced).orderId === 'slow') await slow;
      },
      { sessionTimeout: 1_500 },
    );
    const partitionOf = await produce(['slow', ...Array.from({ length: 40 }, (_, index) => `o${index}`)]);
    const others = [...partitionOf].filter(([, partition]) => partition !== partitionOf.get('slow'));

    await handled(others.length);
    await new Promise((resolve) => setTimeout(resolve, 2_500)); // longer than the session: a test of time itself
    const joins = world.log.filter((line) => line.includes('joined')).length;
    release();
    await handled(41);

    expect(joins).toBeLessThanOrEqual(1);
    expect(world.log.filter((line) => /rebalanc|EO_FENCED/.test(line))).toEqual([]);
  });

  it('commits to the broker what is done, and no more', async () => {
    let release: () => void = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    await consume(
      async (data) => {
        if ((data as OrderPlaced).cents === 5) await held;
      },
      {},
      { commit: 'event' },
    );
    await produce(['0', '1', '2', '3', '4', '5', '6'], 0);

    await handled(5);
    await until('five are committed', async () => (await committed()) === 5n);
    await new Promise((resolve) => setTimeout(resolve, 300)); // would be enough for a wrong commit
    expect(await committed()).toBe(5n);
    release();
    await until('all are committed', async () => (await committed()) === 7n);
  });

  it('replays through the inbox what a reset of the group delivers again', async () => {
    const first = await consume();
    await produce(['a', 'b', 'c'], 0);
    await handled(3);
    await first.stop();
    await world.resetTo('0');

    await consume();
    await produce(['d'], 0);
    await handled(4);

    expect(await rows()).toEqual(['a', 'b', 'c', 'd']);
    expect(world.log.some((line) => line.includes('it is replayed'))).toBe(true);
  });

  it('refuses to pass by records where the broker is ahead of the database', async () => {
    const first = await consume();
    await produce(['a'], 0);
    await handled(1);
    await first.stop();
    await produce(['b', 'c'], 0);
    await world.resetTo('3');

    const second = await consume();
    await produce(['d'], 0);
    await until('health says why', async () => JSON.stringify(second.health()).includes('EO_OFFSET_AHEAD'));

    expect(JSON.stringify(second.health())).toMatch(/EO_OFFSET_AHEAD.*npx exactly-once rewind .*--to 1 /);
    expect(await rows()).toEqual(['a']);
  });

  it('reads a recreated topic from its beginning', async () => {
    const first = await consume();
    await produce(['a', 'b', 'c'], 0);
    await handled(3);
    await first.stop();
    await world.kafka.admin((admin) => admin.deleteTopics({ topics: [world.topic] }));
    await until('the topic is gone', () =>
      world.kafka.admin(async (admin) => !(await admin.listTopics()).includes(world.topic)),
    );
    await world.kafka.createNamedTopic(world.topic, 2);
    await produce(['d', 'e', 'f', 'g'], 0);

    await consume();
    await handled(7);

    expect(await rows()).toEqual(['a', 'b', 'c', 'd', 'e', 'f', 'g']);
    expect(world.log.some((line) => line.includes('EO_LOG_CHANGED'))).toBe(true);
  });

  it('is fenced where another has claimed its partition, and goes on only with a claim of its own', async () => {
    const storage = await world.storage();
    await consume();
    await produce(['first'], 0);
    await handled(1);

    await storage.fences.claim({ group: world.group, topic: world.topic, partition: 0 }, 'thief', 0n);
    await produce(['second', 'third'], 0);
    await handled(3);

    expect(world.log.some((line) => line.includes('EO_FENCED'))).toBe(true);
    expect(await rows()).toEqual(['first', 'second', 'third']);
  });

  it('pauses at its bound and handles everything all the same', async () => {
    await consume(undefined, {}, {}, { maxEvents: 10 });
    const names = Array.from({ length: 300 }, (_, index) => `o${index}`);
    await produce(names, 0);

    await handled(300);

    expect(await rows()).toEqual(names);
  });

  it('starts while its broker is away, survives its death, and loses nothing', async () => {
    const broker = await KafkaBroker.start();
    const kafka = new (world.kafka.constructor as typeof import('../services/kafka.js').KafkaCluster)(
      [broker.address],
      async () => {},
    );
    try {
      await kafka.createNamedTopic(world.topic, 1);
      await kafka.createNamedTopic(world.output, 1);
      await broker.kill();
      const engine = await consume(undefined, {}, {}, {}, [broker.address]);
      expect(engine.health().status).toBe('down');
      for (const orderId of ['a', 'b']) {
        await engine.transaction(() => engine.outbox.publish(world.placed, { orderId, cents: 1 }));
      }

      await broker.start();
      await handled(2);
      await broker.kill();
      await engine.transaction(() => engine.outbox.publish(world.placed, { orderId: 'c', cents: 1 }));
      await until('the relay notices', async () => engine.health().status === 'down');
      await broker.start();
      await handled(3);

      expect(await rows()).toEqual(['a', 'b', 'c']);
    } finally {
      for (const engine of world.engines.splice(0)) await engine.stop();
      await broker.stop();
    }
  }, 120_000);

  async function consume(
    work: (data: unknown) => Promise<void> = async () => {},
    consumer: { sessionTimeout?: number } = {},
    options: Partial<HandlerDefinition> = {},
    queue: { maxEvents?: number } = {},
    brokers: string[] = world.kafka.brokers,
  ): Promise<Engine> {
    const source = await world.dataSource();
    const retry = { retries: 1, initialRetryTime: 50 };
    const { create } = kafkaBroker({ client: { brokers, retry }, consumer, queue });
    const engine = await world.engine({
      storage: await world.storage(source),
      broker: create() as never,
      handlers: [
        {
          name: 'order',
          type: 'order.placed',
          ...options,
          invoke: async (data, context) => {
            await work(data);
            const { orderId, cents } = data as OrderPlaced;
            const values = ['order', context.id, orderId, cents];
            await source.query(
              'INSERT INTO ledger (handler, event_id, order_id, cents) VALUES ($1, $2, $3, $4)',
              values,
            );
          },
        },
      ],
    });
    await engine.start();
    return engine;
  }

  async function produce(orderIds: string[], partition?: number): Promise<Map<string, number>> {
    const producer = world.kafka.client.producer();
    await producer.connect();
    const partitions = new Map<string, number>();
    for (const [cents, orderId] of orderIds.entries()) {
      const message = {
        key: orderId,
        value: JSON.stringify({ orderId, cents }),
        headers: { ce_specversion: '1.0', ce_id: randomUUID(), ce_source: 'test', ce_type: 'order.placed' },
        ...(partition === undefined ? {} : { partition }),
      };
      const [sent] = await producer.send({ topic: world.topic, messages: [message] });
      partitions.set(orderId, sent!.partition);
    }
    await producer.disconnect();
    return partitions;
  }

  async function handled(count: number): Promise<void> {
    await until(`${count} are handled`, async () => (await rows()).length >= count).catch((error: Error) => {
      throw new Error(`${error.message}\n${world.log.slice(-20).join('\n')}`);
    });
  }

  async function rows(): Promise<string[]> {
    const found = await world.database.query(
      `SELECT order_id FROM ledger WHERE handler = 'order' ORDER BY id`,
    );
    return found.map((row) => row.order_id);
  }

  async function committed(): Promise<bigint | undefined> {
    return (await world.kafka.committed(world.group, world.topic)).get(0);
  }
});
