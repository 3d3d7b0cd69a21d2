import { Engine, type EventContext, type HandlerDefinition, Outbox } from '@exactly-once/core';
import { InMemoryBroker } from '@exactly-once/testing';
import { storageOn } from '@exactly-once/typeorm';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import {
  Column,
  type DataSource,
  Entity,
  ManyToOne,
  OneToMany,
  PrimaryColumn,
  PrimaryGeneratedColumn,
  type Relation,
} from 'typeorm';
import { Payment, rejection, StorageWorld, until } from './storage-world.js';

@Entity('purchase')
class Purchase {
  @PrimaryColumn('text')
  id!: string;

  @OneToMany(
    () => PurchaseLine,
    (line) => line.purchase,
    { cascade: true },
  )
  lines!: Relation<PurchaseLine>[];
}

@Entity('purchase_line')
class PurchaseLine {
  @PrimaryGeneratedColumn()
  id!: number;

  @Column('text')
  article!: string;

  @ManyToOne(
    () => Purchase,
    (purchase) => purchase.lines,
  )
  purchase!: Relation<Purchase>;
}

const lanes = 50;
const events = 200;
const ids = Array.from({ length: events }, (_, index) => `e${index}`);
const odd = (id: string) => Number(id.slice(1)) % 2 === 1;

describe('a handler with 50 lanes in one transaction', () => {
  let world: StorageWorld;
  let source: DataSource;
  let broker: InMemoryBroker;
  let engine: Engine;
  let calls: string[];
  let log: string[];
  /** The most handlers that ran at the same time. */
  let most: number;

  beforeAll(async () => {
    world = await StorageWorld.open('lanes');
    source = await world.dataSource({
      entities: [Payment, Purchase, PurchaseLine],
      extra: { pipeline: true },
      synchronize: true,
    });
  });

  beforeEach(() => {
    [broker, calls, log, most] = [new InMemoryBroker(), [], [], 0];
  });

  afterEach(async () => {
    await engine.stop();
    await world.database.query('TRUNCATE purchase CASCADE');
    await world.clear();
  });
  afterAll(() => world.close());

  type Work = (context: EventContext, outbox: Outbox) => Promise<unknown>;

  /** Starts an engine with the handler, feeds it `given`, and waits until each is handled or dead-lettered. */
  async function handleAll(work: Work, given = ids, from = source): Promise<void> {
    const outbox = () => engine.outbox;
    let running = 0;
    const invoke: HandlerDefinition['invoke'] = async (_, context) => {
      calls.push(context.id);
      most = Math.max(most, ++running);
      try {
        await work(context, outbox());
      } finally {
        running--;
      }
    };
    const keep = (line: string) => void log.push(line);
    engine = new Engine({
      service: 'test',
      storage: storageOn(from, { migrate: true }),
      broker,
      handlers: [{ name: 'h', type: 'happened', concurrency: lanes, retry: { attempts: 1 }, invoke }],
      types: [
        { type: 'happened', topic: 'in', version: 1 },
        { type: 'caused', topic: 'out', version: 1 },
      ],
      unhandled: 'stop',
      batch: { maxOpenMs: 10_000 },
      relay: false,
      retention: false,
      logger: { error: keep, warn: keep, info: () => {}, debug: () => {} },
    });
    const headers = (id: string) => ({
      ce_specversion: '1.0',
      ce_id: id,
      ce_source: 'test',
      ce_type: 'happened',
    });
    broker.append('in', ...given.map((id) => ({ key: id, headers: headers(id), body: '{}' })));
    await engine.start();
    const done = `SELECT 1 FROM eo_inbox HAVING count(*) = ${given.length}`;
    await until(async () => (await world.database.query(done)).length > 0, 30_000);
  }

  const insert = (id: string) => source.getRepository(Payment).insert({ id, cents: 1 });
  const publish = (outbox: Outbox, id: string) =>
    outbox.publish({ type: 'caused', topic: 'out', version: 1 }, {}, { id, key: null });
  const count = async (table: string) =>
    (await world.database.query(`SELECT count(*)::int AS n FROM ${table}`))[0].n;
  const letters = () => world.database.query('SELECT event_id, code FROM eo_dead_letter');

  it('works on as many events at the same time, each once', async () => {
    await handleAll(({ id }) => insert(id));

    expect(await world.payments()).toEqual(ids.toSorted());
    expect(calls).toHaveLength(events);
    expect(most).toBe(lanes);
  });

  it('undoes a nested transaction that fails alone, with what it published, and nothing of the others', async () => {
    await handleAll(async ({ id }, outbox) => {
      await publish(outbox, `before ${id}`);
      await insert(`before ${id}`);
      if (odd(id)) {
        await rejection(
          source.transaction(async (manager) => {
            await manager.insert(Payment, { id: `nested ${id}`, cents: 1 });
            await publish(outbox, `nested ${id}`);
            await manager.insert(Payment, { id: `before ${id}`, cents: 1 }); // a duplicate key
          }),
        );
      }
      await insert(`after ${id}`);
      await publish(outbox, `after ${id}`);
    });

    const due = ids.flatMap((id) => [`before ${id}`, `after ${id}`]).toSorted();
    expect(await world.payments()).toEqual(due);
    const rows = await world.database.query(`SELECT convert_from(id, 'UTF8') AS id FROM eo_outbox`);
    expect(rows.map(({ id }) => id).toSorted()).toEqual(due);
    expect(calls).toHaveLength(events);
  });

  it('lets a neighbour end while a nested transaction has failed and is not rolled back yet', async () => {
    let fails: () => void;
    let leave: () => void;
    const failed = new Promise<void>((resolve) => {
      fails = resolve;
    });
    const left = new Promise<void>((resolve) => {
      leave = resolve;
    });

    await handleAll(
      async ({ id }) => {
        await insert(id);
        if (id === 'e0') {
          await failed;
          setTimeout(leave);
          return;
        }
        const nested = source.transaction(async (manager) => {
          const error = await rejection(manager.query('SELECT nothing'));
          fails();
          await left;
          throw error;
        });
        await rejection(nested);
      },
      ['e0', 'e1'],
    );

    expect(await world.payments()).toEqual(['e0', 'e1']);
    expect(calls).toEqual(['e0', 'e1']);
  });

  it('saves graphs, finds them with their relations, and counts in one row', async () => {
    await insert('counter');

    await handleAll(async ({ id }) => {
      const purchases = source.getRepository(Purchase);
      await purchases.save({ id, lines: [{ article: 'a' }, { article: 'b' }] });
      const found = await purchases.findOneOrFail({ where: { id }, relations: { lines: true } });
      await purchases.save({ ...found, lines: [...found.lines, { article: 'c' }] as PurchaseLine[] });
      await source.getRepository(Payment).increment({ id: 'counter' }, 'cents', 1);
      await source.createQueryBuilder().update(Payment).set({ cents: 1 }).where('id = :id', { id }).execute();
    });

    expect(await count('purchase')).toBe(events);
    const broken = `SELECT "purchaseId" FROM purchase_line GROUP BY 1
      HAVING string_agg(article, '' ORDER BY article) <> 'abc'`;
    expect(await world.database.query(broken)).toEqual([]);
    expect(await source.getRepository(Payment).findOneByOrFail({ id: 'counter' })).toMatchObject({
      cents: events + 1,
    });
    expect(calls).toHaveLength(events);
  });

  it('dead-letters the event whose statement failed, and handles all the others', async () => {
    await handleAll(async ({ id }) => {
      await insert(id);
      if (id === 'e77') await insert(id);
    });

    expect(await letters()).toEqual([{ event_id: Buffer.from('e77'), code: 'EO_HANDLER_FAILED' }]);
    expect(await count('payment')).toBe(events - 1);
  });

  it.each<[string, Work, string]>([
    ['SET LOCAL', () => source.query('SET LOCAL work_mem = 1024'), 'EO_TRANSACTION_OWNED'],
    ['COMMIT as text', () => source.query('COMMIT'), 'EO_TRANSACTION_OWNED'],
    ['SAVEPOINT as text', () => source.query('SAVEPOINT mine'), 'EO_TRANSACTION_OWNED'],
    [
      'a cursor',
      async () => (await source.createQueryRunner().connect()).query({ submit: () => {}, text: 'SELECT 1' }),
      'EO_TRANSACTION_OWNED',
    ],
    [
      'a write that it does not await',
      async ({ id }) => void insert(`late ${id}`).catch(() => undefined),
      'EO_TRANSACTION_ENDED',
    ],
    [
      'a nested transaction that it leaves open',
      () => source.createQueryRunner().startTransaction(),
      'EO_TRANSACTION_ENDED',
    ],
    ['a swallowed SQL error', () => rejection(source.query('SELECT nothing')), 'EO_TRANSACTION_ABORTED'],
  ])('gives up the event whose handler runs %s, and handles all the others', async (_, work, code) => {
    await handleAll(async (context, outbox) => {
      await insert(context.id);
      if (context.id === 'e7') await work(context, outbox);
      else await source.query('SELECT 1');
    });

    expect((await letters()).map((one) => [String(one.event_id), one.code])).toEqual([['e7', code]]);
    expect(await world.payments()).toEqual(ids.filter((id) => id !== 'e7').toSorted());
  });

  it('has one lane, and names the option, on a DataSource that does not pipeline', async () => {
    const plain = await world.dataSource();

    await handleAll(
      ({ id }) => plain.getRepository(Payment).insert({ id, cents: 1 }),
      ids.slice(0, 20),
      plain,
    );

    expect(most).toBe(1);
    expect(log).toContainEqual(expect.stringContaining('extra: { pipeline: true }'));
    expect(await count('payment')).toBe(20);
  });
});
