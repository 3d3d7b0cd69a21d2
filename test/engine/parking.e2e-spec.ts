import { PermanentError, type Storage } from '@exactly-once/core';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { until } from '../services/ports.js';
import { World } from './world.js';

/** On PostgreSQL and Kafka: failing events wait in the database, and what is handled twice or lost would show. */
describe('events that fail while others go on', () => {
  let world: World;

  beforeEach(async () => {
    world = await World.open('parking');
  });

  afterEach(async () => {
    await world.close();
  });

  const count = async (sql: string) => {
    const [row] = await world.database.query(`SELECT count(*)::int AS count FROM ${sql}`);
    return row?.count as number;
  };
  const settled = (events: number) =>
    until(
      'each has its effect or its letter',
      async () =>
        (await count('ledger')) + (await count('eo_dead_letter')) >= events &&
        (await count('eo_parked_key')) === 0,
    );
  const effects = async () => {
    const rows = await world.database.query('SELECT event_id FROM ledger ORDER BY id');
    return rows.map((row) => String(row.event_id));
  };

  /** An engine whose handler writes the ledger and then does what the test says. */
  async function process(work: (id: string) => unknown, options = {}): Promise<Storage> {
    const source = await world.dataSource();
    const storage = await world.storage(source);
    const engine = await world.engine({
      storage,
      retry: { attempts: 4, backoffMs: 60, maxBackoffMs: 200 },
      handlers: [
        {
          name: 'h',
          type: 'order.placed',
          invoke: async (_, { id }) => {
            await source.query("INSERT INTO ledger (handler, event_id) VALUES ('h', $1)", [id]);
            await work(id);
          },
        },
      ],
      ...options,
    });
    await engine.start();
    return storage;
  }

  it('are once, in order by key, in two processes whose retries meet what comes anew', async () => {
    const calls = new Map<string, number>();
    const work = (id: string) => {
      const call = (calls.get(id) ?? 0) + 1;
      calls.set(id, call);
      const number = Number(id.slice(1));
      if (number % 17 === 5) throw new PermanentError('never');
      if (number % 3 === 0 && call <= 1 + (number % 2)) throw new Error('not yet');
    };
    const keys = ['a', 'b', 'c', 'd', 'e', 'f'];
    await process(work);
    await process(work);

    let produced = 0;
    for (let round = 0; round < 40; round++) {
      const ids = keys.map((key) => `${key}${round}`);
      await world.produceKeyed(...ids.map((id) => ({ id, key: id[0]! })));
      produced += ids.length;
    }
    await settled(produced);

    const done = await effects();
    const dead = await world.database.query('SELECT event_id FROM eo_dead_letter');
    const letters = dead.map((row) => Buffer.from(row.event_id as Buffer).toString());
    expect(new Set([...done, ...letters]).size).toBe(produced);
    expect(done.length + letters.length).toBe(produced);
    for (const key of keys) {
      const rounds = done.filter((id) => id.startsWith(key)).map((id) => Number(id.slice(1)));
      expect(rounds).toEqual(rounds.toSorted((one, other) => one - other));
    }
    expect(letters.toSorted()).toEqual(
      keys.flatMap((key) => ['5', '22', '39'].map((round) => `${key}${round}`)).toSorted(),
    );
    expect(world.log.some((line) => line.includes('parked: '))).toBe(true);
  });

  it('goes on after the last parked event, with the one that was being parked behind it', async () => {
    const sign = (): { given: Promise<void>; give: () => void } => {
      let give = () => {};
      const given = new Promise<void>((resolve) => {
        give = resolve;
      });
      return { given, give };
    };
    const [retried, appending] = [sign(), sign()];
    let calls = 0;
    let appends = false;
    await process(async (id) => {
      if (id === 'k1' && ++calls === 1) throw new Error('not yet');
      if (id === 'k1') await retried.given;
      if (id !== 'x1') return;
      appends = true;
      await appending.given;
    });
    await world.produceKeyed({ id: 'k1', key: 'k', partition: 0 });
    await until('it is retried', async () => calls === 2);
    await world.produceKeyed({ id: 'x1', key: 'x', partition: 0 }, { id: 'k2', key: 'k', partition: 0 });
    await until('the next group is under way, and has shared the row', async () => appends);

    retried.give();
    await until('the first has left', async () => (await count('eo_parked_event')) === 0);
    const between = { keys: await count('eo_parked_key'), effects: await effects() };
    appending.give();
    await settled(3);

    expect(between).toEqual({ keys: 1, effects: ['k1'] });
    expect(await effects()).toEqual(expect.arrayContaining(['k1', 'x1', 'k2']));
    expect((await effects()).filter((id) => id.startsWith('k'))).toEqual(['k1', 'k2']);
    expect(await count('ledger')).toBe(3);
  });
});
