import type { DeadLetter, ParkedEntry, Storage } from '@exactly-once/core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { begun, handle, StorageWorld, sealAndCommit } from './storage-world.js';

const letter: DeadLetter = {
  handler: 'payments/Payments.capture',
  topic: 'orders',
  partition: 3,
  offset: 9_007_199_254_740_993n,
  key: Buffer.from('key'),
  eventId: 'id',
  source: 'orders',
  type: 'order.placed',
  headers: { ce_id: 'id' },
  body: Buffer.from('{}'),
  code: 'EO_HANDLER_FAILED',
  errorChain: ['Error: outer', 'Error: inner'],
  attempts: 5,
  firstAttemptAtMs: 1_700_000_000_123,
  serviceVersion: '1.2.3',
  target: null,
  redacted: false,
  replayOf: null,
};

describe('dead letters', () => {
  let world: StorageWorld;
  let storage: Storage;

  beforeAll(async () => {
    world = await StorageWorld.open('dead_letters');
    storage = await world.storage();
  });

  afterEach(async () => {
    await world.clear();
    await world.database.query('TRUNCATE eo_parked_event, eo_parked_key');
  });
  afterAll(() => world.close());

  async function bury(given: Partial<DeadLetter> = {}) {
    const transaction = await storage.begin(begun);
    await storage.deadLetters.insert(transaction, { ...letter, ...given });
    await sealAndCommit(transaction);
    const [row] = await world.database.query('SELECT * FROM eo_dead_letter ORDER BY id');
    return row;
  }

  it('hold everything that is known of an event', async () => {
    const row = await bury();

    expect(row).toMatchObject({
      handler: letter.handler,
      topic: 'orders',
      partition: 3,
      offset: String(letter.offset),
      key: letter.key,
      body: letter.body,
      code: letter.code,
      error_chain: letter.errorChain,
      attempts: 5,
      first_attempt_at: new Date(letter.firstAttemptAtMs),
      service_version: '1.2.3',
      state: 'dead',
    });
    expect(String(row.event_id)).toBe('id');
    expect(JSON.parse(String(row.headers))).toEqual([['ce_id', 'id']]);
  });

  it('hold an event of which nothing could be read', async () => {
    const nothing = { handler: null, key: null, eventId: null, source: null, type: null, body: null };

    const row = await bury({ ...nothing, partition: null, offset: null, serviceVersion: null, headers: {} });

    expect(row).toMatchObject({ handler: null, offset: null, event_id: null, body: null });
  });

  it('hold text that PostgreSQL refuses or would change', async () => {
    const headers = Object.assign(Object.create(null), { 'a\0': '\0', lone: '\ud800' });
    Object.defineProperty(headers, '__proto__', { value: 'kept', enumerable: true });

    const row = await bury({
      eventId: "'; DROP TABLE eo_dead_letter; -- \0",
      source: 'x ',
      type: '\0',
      topic: 'queue\0name',
      headers,
      errorChain: ['Error: bad \0 byte'],
      firstAttemptAtMs: 1_700_000_000_123.75,
    });

    expect(String(row.event_id)).toBe("'; DROP TABLE eo_dead_letter; -- \0");
    expect([String(row.source), String(row.type)]).toEqual(['x ', '\0']);
    expect(JSON.parse(String(row.headers))).toEqual([
      ['a\0', '\0'],
      ['lone', '\ud800'],
      ['__proto__', 'kept'],
    ]);
    expect(row.topic).toBe('queue\\u0000name');
    expect(row.error_chain).toEqual(['Error: bad \\u0000 byte']);
  });

  it('go with the transaction that acknowledges the event', async () => {
    const transaction = await storage.begin(begun);
    await storage.deadLetters.insert(transaction, letter);

    await transaction.rollback();

    expect(await storage.deadLetters.count()).toBe(0);
  });

  it('are counted as long as nobody has decided about them', async () => {
    await bury();
    await bury();
    await world.database.query(
      "UPDATE eo_dead_letter SET state = 'discarded' WHERE id = (SELECT min(id) FROM eo_dead_letter)",
    );

    const count = await storage.deadLetters.count();

    expect(count).toBe(1);
  });

  describe('that are replayed', () => {
    const target = (inbox: string, key = 'k') => ({
      ...{ handlerId: 0, keyHash: Buffer.from(key.padEnd(32)), inboxKey: Buffer.from(inbox.padEnd(24)) },
      timestampMs: 1,
    });

    /** Letters of a handler that is there; their ids. */
    async function dead(...inbox: string[]): Promise<bigint[]> {
      const [handler] = await storage.handlers.register('service', [{ name: 'h' }], () => undefined);
      const ids: bigint[] = [];
      for (const one of inbox) {
        await bury({ target: { ...target(one), handlerId: handler!.id } });
        ids.push(await storage.deadLetters.lastId());
      }
      return ids;
    }

    it('go back once where two operators ask for them at the same moment', async () => {
      const ids = await dead('1', '2', '3');
      const other = await world.storage();
      const session = await world.session();
      await session.query('BEGIN');
      await session.query('SELECT 1 FROM eo_dead_letter WHERE id = $1 FOR UPDATE', [String(ids[1])]);

      const replays = [storage, other].map((one) => one.deadLetters.replay(ids, 'ada'));
      await world.somebodyWaits(2);
      await session.query('COMMIT');
      const outcomes = (await Promise.all(replays)).map((one) => one.map(({ outcome }) => outcome));

      expect(outcomes.toSorted()).toEqual([
        ['not-dead', 'not-dead', 'not-dead'],
        ['replayed', 'replayed', 'replayed'],
      ]);
      expect(await storage.parked.count()).toBe(3);
    });

    it('wait for who releases their key, and make its row again where that took it away', async () => {
      const [first, second] = await dead('1', '2');
      await storage.deadLetters.replay([first!], 'ada');
      const [scope] = await storage.parked.scopes(1);
      const transaction = await storage.begin(begun);
      const entry = await storage.parked.take(transaction, scope!);
      await storage.parked.settle(transaction, entry as ParkedEntry, 0);
      await sealAndCommit(transaction);
      const releasing = await storage.begin(begun);
      const free = await storage.parked.release(releasing, scope!);

      const replay = storage.deadLetters.replay([second!], 'ada');
      await world.somebodyWaits();
      await sealAndCommit(releasing);

      expect(free).toBe(true);
      expect(await replay).toEqual([{ id: second, outcome: 'replayed' }]);
      expect(await storage.parked.scopes(9)).toMatchObject([{ events: 1 }]);
    });

    it('leave letter and key as they were where the replay breaks off in its midst', async () => {
      const [id] = await dead('1');
      await world.database.query('ALTER TABLE eo_parked_event ADD CONSTRAINT broken CHECK (false)');

      await expect(storage.deadLetters.replay([id!], 'ada')).rejects.toThrow('broken');
      await world.database.query('ALTER TABLE eo_parked_event DROP CONSTRAINT broken');

      expect(await storage.deadLetters.count()).toBe(1);
      expect(await storage.parked.scopes(9)).toEqual([]);
    });
  });

  it('show what a transaction has written, without what came before it or is ours', async () => {
    const one = await world.storage(await world.dataSource({ poolSize: 1 }));
    const { dataSource } = one as unknown as { dataSource: { query(sql: string): Promise<unknown> } };
    const run = (work: () => Promise<unknown>) =>
      one.begin(begun).then(async (transaction) => {
        const count = await one.countRows!(transaction);
        await handle(one, transaction, async () => void (await work()));
        return { rows: await count(), transaction };
      });
    const earlier = await run(() => dataSource.query("INSERT INTO payment VALUES ('a', 1), ('b', 2)"));
    await sealAndCommit(earlier.transaction);

    const { rows, transaction } = await run(async () => {
      await dataSource.query("INSERT INTO payment VALUES ('c', 1)");
      await dataSource.query('UPDATE payment SET cents = 3');
      await dataSource.query("DELETE FROM payment WHERE id = 'a'");
    });
    await one.deadLetters.insert(transaction, letter);
    await transaction.rollback();

    expect(earlier.rows).toEqual([{ table: 'payment', inserted: 2, updated: 0, deleted: 0 }]);
    expect(rows).toEqual([{ table: 'payment', inserted: 1, updated: 3, deleted: 1 }]);
  });

  it('find the deferred constraint at which their handler would fail', async () => {
    await world.database.query(
      `CREATE TABLE refund (payment text REFERENCES payment DEFERRABLE INITIALLY DEFERRED)`,
    );
    const source = await world.dataSource();
    const one = await world.storage(source);
    const transaction = await one.begin(begun);
    const count = await one.countRows!(transaction);
    await handle(
      one,
      transaction,
      async () => void (await source.query("INSERT INTO refund VALUES ('none')")),
    );

    await expect(count()).rejects.toThrow('foreign key');
    await transaction.rollback();
    await world.database.query('DROP TABLE refund');
  });

  it('are decided about in transactions that end where the tool that began one is stopped', async () => {
    const { pool } = storage.deadLetters as unknown as {
      pool: { transaction<T>(work: (query: (sql: string) => Promise<{ rows: unknown[] }>) => T): T };
    };

    const { rows } = await pool.transaction((query) => query('SHOW idle_in_transaction_session_timeout'));

    expect(rows).toEqual([{ idle_in_transaction_session_timeout: '30s' }]);
  });
});
