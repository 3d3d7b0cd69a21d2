import type { Engine, HandlerDefinition } from '@exactly-once/core';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { World } from '../engine/world.js';
import { until } from '../services/ports.js';

describe("dedup: 'offset' over Kafka", () => {
  let world: World;

  beforeEach(async () => {
    world = await World.open('offset-dedup', 1);
  });

  afterEach(async () => {
    await world?.close();
  });

  it('runs nothing again where the broker stands behind the database, as a crash before the acknowledgement leaves it', async () => {
    await world.produce('a', 'b', 'c');
    const first = await consume();
    await handled(3);
    await first.stop();
    await world.resetTo('1');

    await consume();
    await world.produce('d');
    await handled(4);

    expect(await rows()).toEqual(['a', 'b', 'c', 'd']);
    expect(world.log.join('\n')).toContain("with dedup: 'offset' that is not followed");
    expect(await world.database.query('SELECT 1 FROM eo_inbox')).toEqual([]);
  });

  it('stops at a recreated topic, in health, and goes on from where people say', async () => {
    await world.produce('a', 'b', 'c');
    const first = await consume();
    await handled(3);
    await first.stop();
    await world.kafka.admin((admin) => admin.deleteTopics({ topics: [world.topic] }));
    await until('the topic is gone', () =>
      world.kafka.admin(async (admin) => !(await admin.listTopics()).includes(world.topic)),
    );
    await world.kafka.createNamedTopic(world.topic, 1);
    await world.produce('d', 'e', 'f', 'g');

    const second = await consume();
    await until('health says why', async () => JSON.stringify(second.health()).includes('EO_LOG_CHANGED'));
    expect(await rows()).toEqual(['a', 'b', 'c']);
    await second.stop();
    await world.database.query(
      'UPDATE eo_fence SET next_offset = 0, last_fingerprint = NULL WHERE group_name = $1 AND topic = $2',
      [world.group, world.topic],
    );
    await world.resetTo('0');
    await consume();
    await handled(7);

    expect(await rows()).toEqual(['a', 'b', 'c', 'd', 'e', 'f', 'g']);
  });

  async function consume(): Promise<Engine> {
    const source = await world.dataSource();
    const handler: HandlerDefinition = {
      name: 'order',
      type: 'order.placed',
      dedup: 'offset',
      invoke: async (_, { id }) => {
        await source.query(`INSERT INTO ledger (handler, event_id) VALUES ('order', $1)`, [id]);
      },
    };
    const engine = await world.engine({ storage: await world.storage(source), handlers: [handler] });
    await engine.start();
    return engine;
  }

  async function rows(): Promise<string[]> {
    const found = await world.database.query('SELECT event_id FROM ledger ORDER BY id');
    return found.map(({ event_id }) => event_id);
  }

  async function handled(count: number): Promise<void> {
    await until(`${count} are handled`, async () => (await rows()).length >= count);
  }
});
