import { DatabaseBroker, type Engine, type EngineOptions, type Storage } from '@exactly-once/core';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { until } from '../services/ports.js';
import { type OrderPlaced, World } from './world.js';

describe.each(['kafka', 'database'] as const)('a partition that changes hands, on %s', (broker) => {
  let world: World;
  /** Units that were run singly, and by whom. */
  let marks: string[];
  /** Orders that were handled to their end, and by whom. */
  let handled: string[];
  let gate: Promise<void>;
  let open: () => void;
  let published: number;

  beforeEach(async () => {
    world = await World.open('hand-over', 2);
    marks = [];
    handled = [];
    published = 0;
    gate = new Promise((resolve) => {
      open = resolve;
    });
  });

  afterEach(async () => {
    open();
    await world.close();
  });

  it('is left in order although a transaction was open when it was given away: nothing is run singly', async () => {
    const first = await member('first', { held: true });
    await publish(first, 40);
    await until('both partitions are at work', async () => (await openTransactions()) >= 2);

    const second = await member('second');
    await until('the second one is a member', async () => (await memberCount()) >= 2);
    await until('it waits for what is still open', async () => waits('second'));
    open();
    await until('the second one has had a partition', async () => {
      await publish(first, 10);
      return handled.some((one) => one.startsWith('second'));
    });
    await publish(first, 40);
    await until('all are handled', async () => handled.length >= published);

    expect(new Set(handled.map((one) => one.split(' ')[1])).size).toBe(published);
    expect(handled).toHaveLength(published);
    expect(second.health()).toMatchObject({ status: 'up' });
    expect(marks).toEqual([]);
  }, 60_000);

  it('is run singly where its owner has gone without a word', async () => {
    const storage = await world.storage();
    await storage.open();
    for (const partition of [0, 1]) await claimAsTheDead(storage, partition);

    const engine = await member('heir', { batch: { maxEvents: 5 } });
    await publish(engine, 40);
    await until('all are handled', async () => handled.length >= published);

    expect(marks.length).toBeGreaterThanOrEqual(5);
    expect(marks.length).toBeLessThanOrEqual(10);
    await storage.close();
  }, 60_000);

  async function claimAsTheDead(storage: Storage, partition: number): Promise<void> {
    await storage.fences.claim({ group: world.group, topic: world.topic, partition }, 'dead/1', 0n);
  }

  async function member(
    who: string,
    { held = false, ...options }: Partial<EngineOptions> & { held?: boolean } = {},
  ): Promise<Engine> {
    const source = await world.dataSource();
    const storage = await world.storage(source);
    waiting.set(who, false);
    watch(who, storage);
    const engine = await world.engine({
      storage,
      ...(broker === 'database' ? { broker: new DatabaseBroker({ partitions: 2 }) } : {}),
      handlers: [
        {
          name: 'order',
          type: 'order.placed',
          invoke: async (data) => {
            await source.query('SELECT 1');
            if (held) await gate;
            handled.push(`${who} ${(data as OrderPlaced).orderId}`);
          },
        },
      ],
      ...options,
    });
    await engine.start();
    return engine;
  }

  const waiting = new Map<string, boolean>();

  /** Notes who wants the claim of a partition, and what is run under a mark. */
  function watch(who: string, storage: Storage): void {
    const { fences } = storage;
    const [accuse, claim, read] = [
      fences.accuse!.bind(fences),
      fences.claim.bind(fences),
      fences.read.bind(fences),
    ];
    fences.accuse = async (...given) => {
      marks.push(`${who} ${given[2]}`);
      return accuse(...given);
    };
    fences.claim = async (...given) => {
      waiting.set(who, true);
      return claim(...given);
    };
    fences.read = async (...given) => {
      waiting.set(who, true);
      return read(...given);
    };
  }

  function waits(who: string): boolean {
    return waiting.get(who) === true;
  }

  async function publish(engine: Engine, count: number): Promise<void> {
    await engine.transaction(async () => {
      for (let order = 0; order < count; order++)
        await engine.outbox.publish(world.placed, { orderId: `o-${published++}`, cents: 1 });
    });
  }

  async function openTransactions(): Promise<number> {
    const rows = await world.database.query(
      `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND state = 'idle in transaction'`,
    );
    return rows.length;
  }

  async function memberCount(): Promise<number> {
    if (broker === 'database') return (await world.database.query('SELECT 1 FROM eo_member')).length;
    return world.kafka.admin(async (admin) => {
      const { groups } = await admin.describeGroups([world.group]);
      return groups[0]?.members.length ?? 0;
    });
  }
});
