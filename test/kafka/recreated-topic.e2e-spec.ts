import type { Engine } from '@exactly-once/core';
import { kafkaBroker } from '@exactly-once/kafka';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { World } from '../engine/world.js';
import { until } from '../services/ports.js';

const before = ['a', 'b', 'c'];
/** A pause that is longer than the one after which a worker reads its last record again (200). */
const unseenMs = 300;

describe('a topic that is deleted and made again under a running consumer', () => {
  let world: World;
  let calls: number;

  beforeEach(async () => {
    calls = 0;
    world = await World.open('recreated', 1);
  });

  afterEach(async () => {
    await world.close();
  });

  it.each([
    ['fewer records than the old one', ['d', 'e']],
    ['as many', ['d', 'e', 'f']],
    ['more', ['d', 'e', 'f', 'g', 'h', 'i']],
  ])(
    'is read from its beginning where it then has %s',
    async (_, after) => {
      const engine = await consume();
      await world.produce(...before);
      await handled(before);

      await world.kafka.recreateTopic(world.topic);
      await world.produce(...after);
      await handled([...before, ...after]);
      await world.produce('last');
      await handled([...before, ...after, 'last']);

      // Which one, is a matter of what kafkajs met first, and what it then told the broker.
      expect(world.log.join('\n')).toMatch(/EO_LOG_CHANGED|it is replayed/);
      await until('it is healthy again', async () => engine.health().status === 'up');
    },
    60_000,
  );

  it('is read from its beginning although nothing was fetched meanwhile, because the queue was full', async () => {
    let open = () => {};
    const gate = new Promise<void>((resolve) => {
      open = resolve;
    });
    await world.produce(...before);
    await consume(() => gate, { maxEvents: 1 });
    await until('the queue is full', async () => calls > 0);
    const fullAtMs = Date.now();

    await world.kafka.recreateTopic(world.topic);
    const after = ['d', 'e', 'f', 'g', 'h', 'i'];
    await world.produce(...after);
    await until('it lasted longer than a fetch', async () => Date.now() - fullAtMs > unseenMs);
    open();

    await handled([...before, ...after]);
    expect(world.log.join('\n')).toContain('EO_LOG_CHANGED');
  }, 60_000);

  async function consume(
    work: () => Promise<void> = async () => {},
    queue: { maxEvents?: number } = {},
  ): Promise<Engine> {
    const source = await world.dataSource();
    const { create } = kafkaBroker({ client: { brokers: world.kafka.brokers }, queue });
    const engine = await world.engine({
      storage: await world.storage(source),
      broker: create() as never,
      handlers: [
        {
          name: 'order',
          type: 'order.placed',
          invoke: async (_, { id }) => {
            calls++;
            await work();
            await source.query(`INSERT INTO ledger (handler, event_id) VALUES ('order', $1)`, [id]);
          },
        },
      ],
    });
    await engine.start();
    return engine;
  }

  async function handled(ids: readonly string[]): Promise<void> {
    const rows = async () =>
      (await world.database.query('SELECT event_id FROM ledger ORDER BY id')).map(({ event_id }) => event_id);
    await until(`${ids} are handled`, async () => (await rows()).length >= ids.length).catch(
      async (error: Error) => {
        throw new Error(`${error.message}; ${await rows()}\n${world.log.slice(-30).join('\n')}`);
      },
    );
    expect(await rows()).toEqual(ids);
  }
});
