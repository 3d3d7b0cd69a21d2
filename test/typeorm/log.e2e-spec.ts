import { DatabaseBroker, type LogRecord, type Storage } from '@exactly-once/core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { contextOf } from '../brokers/database-under-test.js';
import { begun, StorageWorld, until } from './storage-world.js';

const never = new AbortController().signal;
const topic = "t'; DROP TABLE eo_log; --";
const records = (count: number, hash = 0): LogRecord[] =>
  Array.from({ length: count }, () => ({ topic, key: null, hash, headers: {}, body: Buffer.from('{}') }));

describe('the log on PostgreSQL', () => {
  let world: StorageWorld;
  let storage: Storage;

  beforeAll(async () => {
    world = await StorageWorld.open('log');
  });

  beforeEach(async () => {
    storage = await world.storage();
    await storage.log.createTopics([topic], 2);
  });

  afterEach(async () => {
    await world.endAll();
    await world.database.query('TRUNCATE eo_log, eo_partition, eo_member, eo_fence');
  });

  afterAll(() => world.close());

  const passed = async (group: string, offset: bigint, partition = 0) => {
    const key = { group, topic, partition };
    await storage.fences.claim(key, 'operator', 0n);
    await storage.fences.reposition(key, 'operator', offset, false);
  };
  const age = () => world.database.query("UPDATE eo_log SET appended_at = appended_at - interval '1 hour'");
  const ends = async (partition = 0) =>
    (await storage.log.ends([topic])).find((one) => one.partition === partition)!;
  const offsets = async () =>
    (await storage.log.read({ topic, partition: 0, offset: 0n }, { maxEvents: 99, maxBytes: 1e6 })).map(
      ({ offset }) => Number(offset),
    );

  it('gives ascending positions without gaps to those who append beside each other', async () => {
    const given = await Promise.all(
      Array.from({ length: 8 }, () => storage.log.append([...records(5, 0), ...records(5, 1)])),
    );

    for (const partition of [0, 1]) {
      const of = given.flat().filter((position) => position.partition === partition);
      expect(of.map(({ offset }) => Number(offset)).sort((a, b) => a - b)).toEqual([...Array(40).keys()]);
    }
  });

  it('shows no record before those that stand before it are committed', async () => {
    const session = await world.session();
    await session.query('BEGIN');
    await session.query('SELECT 1 FROM eo_partition WHERE topic = $1 FOR UPDATE', [topic]);
    const appending = storage.log.append(records(1));
    await world.somebodyWaits();

    const before = await offsets();
    await session.query('COMMIT');
    await appending;

    expect(before).toEqual([]);
    expect(await offsets()).toEqual([0]);
  });

  it('appends nothing where a partition is gone, and says that the topic is missing', async () => {
    await storage.log.append(records(1));
    await world.database.query('DELETE FROM eo_partition WHERE partition = 1');

    const appending = storage.log.append([...records(1, 0), ...records(1, 1)]);

    await expect(appending).rejects.toMatchObject({ code: 'EO_TOPIC_MISSING' });
    expect(await offsets()).toEqual([0]);
  });

  it('makes a topic once, however many ask for it with other numbers', async () => {
    const others = await Promise.all(Array.from({ length: 4 }, () => world.storage()));

    await Promise.all(others.map(({ log }, index) => log.createTopics(['raced'], index + 1)));

    const made = await storage.log.ends(['raced']);
    const counts = await Promise.all(others.map(({ log }) => log.ends(['raced'])));
    expect(made.length).toBeGreaterThan(0);
    expect(counts.map((one) => one.length)).toEqual(counts.map(() => made.length));
  });

  it('forgets what is old and every group has passed, oldest first, in steps', async () => {
    await storage.log.append(records(10));
    await age();
    await storage.log.append(records(5));
    await passed('fast', 12n);
    await passed('slow', 7n);

    const steps = [];
    for (let step = 0; step < 4; step++) steps.push(await storage.log.deleteOlderThan(60_000, 3));

    expect(steps).toEqual([3, 3, 1, 0]);
    expect(await offsets()).toEqual([7, 8, 9, 10, 11, 12, 13, 14]);
    expect(await ends()).toMatchObject({ first: 7n, next: 15n });
  });

  it('forgets no young record, whoever has passed it, and all old ones where nobody reads', async () => {
    await storage.log.append(records(2));
    await age();
    await storage.log.append(records(2));
    await passed('group', 4n);

    const young = await storage.log.deleteOlderThan(60_000, 100);
    await world.database.query('TRUNCATE eo_fence');
    await age();
    const unread = await storage.log.deleteOlderThan(60_000, 100);

    expect([young, unread]).toEqual([2, 2]);
    expect(await ends()).toMatchObject({ first: 4n, next: 4n });
  });

  it('does not wait for those who append, nor forgets under their hands', async () => {
    await storage.log.append([...records(3, 0), ...records(3, 1)]);
    await age();
    const session = await world.session();
    await session.query('BEGIN');
    await session.query('SELECT 1 FROM eo_partition WHERE topic = $1 AND partition = 0 FOR UPDATE', [topic]);

    const deleted = await storage.log.deleteOlderThan(60_000, 100);
    await session.query('COMMIT');

    expect(deleted).toBe(3);
    expect(await ends(0)).toMatchObject({ first: 0n });
    expect(await ends(1)).toMatchObject({ first: 3n });
  });

  it('loses and doubles nothing beside consumers that read while it forgets', async () => {
    const seen: string[] = [];
    const consumers = ['one', 'two'].map((group) => {
      const broker = new DatabaseBroker({ sessionTimeoutMs: 5_000 });
      broker.bind(contextOf(storage));
      return broker.consumer({
        group,
        topics: [{ topic, startFrom: 'earliest' }],
        storage,
        sink: {
          process: async (deliveries, { fence }) => {
            for (const { partition, offset } of deliveries) {
              const transaction = await storage.begin(begun);
              const move = {
                ...fence!,
                expected: fence!.nextOffset,
                next: offset + 1n,
                lastFingerprint: null,
              };
              expect(await storage.fences.advance(transaction, move)).toBe(true);
              await transaction.seal();
              await transaction.commit();
              fence!.nextOffset = offset + 1n;
              seen.push(`${group} ${partition} ${offset}`);
            }
          },
        },
      });
    });
    await Promise.all(consumers.map((consumer) => consumer.start(never)));
    let deleted = 0;
    let sweeping = true;
    const sweeps = (async () => {
      while (sweeping || deleted < 240) deleted += await storage.log.deleteOlderThan(0, 7);
    })();

    for (let round = 0; round < 12; round++) await storage.log.append([...records(10, 0), ...records(10, 1)]);
    await until(() => seen.length >= 480, 30_000);
    sweeping = false;
    await sweeps;
    await Promise.all(consumers.map((consumer) => consumer.stop(5_000)));

    expect(new Set(seen).size).toBe(480);
    expect(seen).toHaveLength(480);
    expect(deleted).toBe(240);
    expect(await ends(0)).toMatchObject({ first: 120n, next: 120n });
  });

  it('lets a group begin at the first record that is kept', async () => {
    await storage.log.append(records(6));
    await age();
    await passed('old', 4n);
    await storage.log.deleteOlderThan(60_000, 100);
    const seen: bigint[] = [];
    const broker = new DatabaseBroker();
    broker.bind(contextOf(storage));
    const consumer = broker.consumer({
      group: 'new',
      topics: [{ topic, startFrom: 'earliest' }],
      storage,
      sink: {
        process: async (deliveries, { fence }) => {
          for (const { offset } of deliveries) seen.push(offset);
          fence!.nextOffset = deliveries.at(-1)!.offset + 1n;
        },
      },
    });

    await consumer.start(never);
    await until(() => seen.length === 2);
    await consumer.stop(1_000);

    expect(seen).toEqual([4n, 5n]);
    expect((await storage.fences.read({ group: 'new', topic, partition: 0 }))?.nextOffset).toBe(4n);
  });
});
