import type { DeadLetter, Storage } from '@exactly-once/core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { begun, StorageWorld, sealAndCommit } from './storage-world.js';

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
};

describe('dead letters', () => {
  let world: StorageWorld;
  let storage: Storage;

  beforeAll(async () => {
    world = await StorageWorld.open('dead_letters');
    storage = await world.storage();
  });

  afterEach(() => world.clear());
  afterAll(() => world.close());

  async function bury(given: Partial<DeadLetter> = {}) {
    const transaction = await storage.begin(begun);
    await storage.deadLetters.insert(transaction, { ...letter, ...given });
    await sealAndCommit(transaction);
    const [row] = await world.database.query('SELECT * FROM eo_dead_letter');
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
});
