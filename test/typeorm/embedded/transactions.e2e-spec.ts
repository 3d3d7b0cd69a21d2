import 'reflect-metadata';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { Column, type DataSource, Entity, PrimaryGeneratedColumn } from 'typeorm';
import { embeddedPostgres } from '../../../libs/typeorm/src/embedded/embedded-postgres.js';
import { rejection } from '../storage-world.js';
import { EmbeddedWorld } from './embedded-world.js';

@Entity('note')
class Note {
  @PrimaryGeneratedColumn('uuid')
  id!: string;

  @Column('text')
  text!: string;
}

/** As pg has it; its types hide the stream below. */
type Client = Omit<pg.PoolClient, 'connection'> & {
  readonly connection: { readonly stream: { destroy(error?: Error): void } };
};

describe('transactions on an embedded database', () => {
  let world: EmbeddedWorld;
  let source: DataSource;
  const busyTimeoutMs = 300;

  beforeAll(async () => {
    world = await EmbeddedWorld.open('transactions');
    source = await world.dataSource({ busyTimeoutMs, entities: [Note] });
  });

  beforeEach(async () => {
    await source.query('CREATE TABLE one (id int PRIMARY KEY); CREATE TABLE two (id int PRIMARY KEY)');
  });

  afterEach(() => world.empty());
  afterAll(() => world.close());

  const rowsOf = async (table: string): Promise<number[]> => {
    const rows = await source.query(`SELECT id FROM ${table} ORDER BY id`);
    return rows.map(({ id }: { id: number }) => id);
  };

  /** A client of the pool; `clients` ends what a test leaves. */
  const takeClient = async (): Promise<Client> => {
    const runner = source.createQueryRunner();
    return (await runner.connect()) as Client;
  };

  it('that overlap do not mix: each has both of its rows, or none', async () => {
    const numbers = Array.from({ length: 100 }, (_, index) => index);
    const outcomes = await Promise.allSettled(
      numbers.map((id) =>
        source.transaction(async (manager) => {
          await manager.query('INSERT INTO one VALUES ($1)', [id]);
          if (id % 3 === 0) throw new Error('on purpose');
          await manager.query('INSERT INTO two VALUES ($1)', [id]);
        }),
      ),
    );

    const kept = numbers.filter((id) => outcomes[id]?.status === 'fulfilled');
    expect(kept).toEqual(numbers.filter((id) => id % 3 !== 0));
    expect(await rowsOf('one')).toEqual(kept);
    expect(await rowsOf('two')).toEqual(kept);
  });

  it('refuse a statement outside of them after the busy time, say why, and go on', async () => {
    const error = await source.transaction(async (manager) => {
      await manager.query('INSERT INTO one VALUES (1)');
      const outside = await rejection(source.query('INSERT INTO one VALUES (2)'));
      await manager.query('INSERT INTO one VALUES (3)');
      return outside;
    });

    expect(error.message).toMatch(
      /EO_DATABASE_BUSY.*300 ms.*inside an open transaction use its repositories/s,
    );
    expect(await rowsOf('one')).toEqual([1, 3]);
  });

  it('let a statement in that had to wait less', async () => {
    let waiting: Promise<unknown> | null = null;
    await source.transaction(async (manager) => {
      await manager.query('INSERT INTO one VALUES (1)');
      waiting = source.query('INSERT INTO one VALUES (2)');
      await manager.query('INSERT INTO one VALUES (3)');
    });
    await waiting;

    expect(await rowsOf('one')).toEqual([1, 2, 3]);
  });

  it.each([
    ['is cut', (client: Client) => void client.connection.stream.destroy()],
    ['is cut with an error', (client: Client) => void client.connection.stream.destroy(new Error('cut'))],
    [
      'is cut while a statement runs',
      (client: Client) => {
        client.query('INSERT INTO two VALUES (1)').catch(() => undefined);
        client.connection.stream.destroy();
      },
    ],
    ['says farewell', (client: Client) => void (client as unknown as pg.Client).end()],
    [
      'is cut in the middle of a cursor',
      (client: Client) => {
        const { connection } = client as unknown as { connection: Record<string, (x?: unknown) => void> };
        connection['parse']!({ text: 'SELECT broken FROM nowhere' });
        connection['flush']!();
        client.connection.stream.destroy();
      },
    ],
  ])('are rolled back when their connection %s', async (_, end) => {
    const client = await takeClient();
    client.on('error', () => undefined);
    await client.query('BEGIN');
    await client.query('INSERT INTO one VALUES (1)');

    end(client);

    expect(await rowsOf('one')).toEqual([]);
    expect(await rowsOf('two')).toEqual([]);
    await source.query('INSERT INTO one VALUES (1)'); // the session works
  });

  it('are not entered by a connection that was cut while it waited for its turn', async () => {
    const [holder, cut] = [await takeClient(), await takeClient()];
    cut.on('error', () => undefined);
    await holder.query('BEGIN');
    const waiting = rejection(cut.query('INSERT INTO one VALUES (1)'));

    cut.connection.stream.destroy();
    await waiting;
    await holder.query('COMMIT');

    expect(await rowsOf('one')).toEqual([]);
  });

  it('fail as on a server where an SQL error was swallowed', async () => {
    const answer = await source.transaction(async (manager) => {
      await manager.query('INSERT INTO one VALUES (1)');
      await manager.query('INSERT INTO one VALUES (1)').catch(() => undefined);
      return rejection(manager.query('SELECT 1'));
    });

    expect(answer).toMatchObject({ code: '25P02' });
    expect(await rowsOf('one')).toEqual([]);
  });

  it('refuse to copy rows in as they refuse a wrong statement', async () => {
    const error = await rejection(source.query('COPY one FROM STDIN'));

    expect(error).toMatchObject({
      code: '0A000',
      message: expect.stringContaining('cannot COPY FROM STDIN'),
    });
    expect(await rowsOf('one')).toEqual([]);
  });

  it('that were committed are there after the database has broken down', async () => {
    await source.query('INSERT INTO one VALUES (1)');
    const hidden = '/* not recognised */ COPY one FROM STDIN'; // ends PGlite
    let error: unknown = null;
    await rejection(
      source.transaction(async (manager) => {
        await manager.query('INSERT INTO one VALUES (2)');
        error = await rejection(manager.query(hidden));
      }),
    );

    expect(String(error)).toMatch(/broke down|Connection terminated/);
    expect(await rowsOf('one')).toEqual([1]);
  });

  it('leave timers their turn', async () => {
    let ticks = 0;
    const timer = setInterval(() => ticks++, 5);
    const startedAtMs = performance.now();

    for (let id = 0; performance.now() - startedAtMs < 500; id++) {
      await source.query('INSERT INTO one VALUES ($1)', [id]);
    }
    clearInterval(timer);

    expect(ticks).toBeGreaterThan(10);
  });

  it('work with entities whose id is a generated uuid', async () => {
    await source.synchronize();
    const { id } = await source.getRepository(Note).save({ text: 'a' });

    expect(id).toMatch(/^[0-9a-f-]{36}$/);
    expect(await source.getRepository(Note).findOneBy({ id })).toMatchObject({ text: 'a' });
  });

  it('of two DataSources on one folder take turns', async () => {
    const other = await world.dataSource();
    let waiting: Promise<unknown> | null = null;

    await source.transaction(async (manager) => {
      waiting = other.query('INSERT INTO one VALUES (2)');
      await manager.query('INSERT INTO one VALUES (1)');
    });
    await waiting;
    await other.destroy();

    expect(await rowsOf('one')).toEqual([1, 2]);
  });
});

describe('an embedded database in memory', () => {
  it('keeps its data as long as its options are there, whatever becomes of the connections', async () => {
    const { extra } = embeddedPostgres();
    const connect = async () => {
      const client = new pg.Client({ ...extra, user: 'postgres', database: 'postgres', ssl: false });
      client.on('error', () => undefined);
      await client.connect();
      return client as unknown as Client & pg.Client;
    };
    const first = await connect();
    await first.query('CREATE TABLE one (id int); INSERT INTO one VALUES (1)');
    const cut = new Promise((resolve) => first.once('end', resolve));
    first.connection.stream.destroy();
    await cut;

    const second = await connect();
    const { rows } = await second.query('SELECT id FROM one');
    await second.end();

    expect(rows).toEqual([{ id: 1 }]);
  });
});
