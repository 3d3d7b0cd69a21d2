import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { until } from '../services/ports.js';
import { type OrderPlaced, World } from './world.js';

describe('one event, from a transaction over Kafka to the next event', () => {
  let world: World;

  beforeAll(async () => {
    world = await World.open('life');
  });

  afterAll(async () => {
    await world.close();
  });

  it('handles each event once, in order, and publishes what it caused', async () => {
    const source = await world.dataSource();
    const storage = await world.storage(source);
    const engine = await world.engine({
      storage,
      handlers: [
        {
          name: 'capture',
          type: 'order.placed',
          invoke: async (data, context) => {
            const { orderId, cents } = data as OrderPlaced;
            await source.query(
              'INSERT INTO ledger (handler, event_id, order_id, cents) VALUES ($1, $2, $3, $4)',
              ['capture', context.id, orderId, cents],
            );
            await engine.outbox.publish(world.captured, { orderId, cents });
          },
        },
      ],
    });
    await engine.start();
    const orders = Array.from({ length: 200 }, (_, index) => ({ orderId: randomUUID(), cents: index }));

    for (const order of orders) {
      await engine.transaction(async () => {
        await engine.outbox.publish(world.placed, order);
      });
    }
    await until('all orders are handled', async () => {
      const [{ count }] = await world.database.query('SELECT count(*)::int AS count FROM ledger');
      return count >= orders.length;
    }).catch((error) => {
      throw new Error(
        `${String(error)}\n${world.log.slice(-30).join('\n')}${JSON.stringify(engine.health())}`,
      );
    });
    await until('the outbox is empty', async () => {
      const [{ count }] = await world.database.query('SELECT count(*)::int AS count FROM eo_outbox');
      return count === 0;
    });

    const rows = await world.database.query('SELECT order_id, cents FROM ledger ORDER BY cents');
    expect(rows.map((row) => row.order_id)).toEqual(orders.map((order) => order.orderId));
    const published = await world.kafka.dump(world.output, { isolation: 'read_committed' });
    expect(published.map((record) => record.key).sort()).toEqual(orders.map((order) => order.orderId).sort());
    expect(new Set(published.map((record) => record.headers['ce_id'])).size).toBe(orders.length);
    expect(engine.health()).toMatchObject({ status: 'up' });
  });
});
