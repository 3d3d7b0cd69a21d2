import type { ParkScope, Storage } from '@exactly-once/core';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { begun, StorageWorld, sealAndCommit } from '../typeorm/storage-world.js';
import { runTool } from './run-tool.js';

describe('exactly-once parked', () => {
  let world: StorageWorld;
  let storage: Storage;

  beforeAll(async () => {
    world = await StorageWorld.open('parked_tool');
    storage = await world.storage();
  });

  afterAll(() => world.close());

  const parked = (...words: string[]) => runTool(['parked', ...words], { DATABASE_URL: world.database.url });

  async function park(key: string): Promise<ParkScope> {
    const [handler] = await storage.handlers.register('payments', [{ name: 'capture' }], () => undefined);
    const scope = { handlerId: handler!.id, topic: 'orders', keyHash: Buffer.alloc(32, key) };
    const transaction = await storage.begin(begun);
    await storage.parked.park(transaction, {
      ...scope,
      ...{ partition: 0, offset: 9n, key: Buffer.from(key), headers: {}, body: null, timestampMs: 1 },
      ...{ inboxKey: Buffer.alloc(24, key), code: 'EO_PROCESS_KILLED', errorChain: [] },
      ...{ attempts: 0, deaths: 3, firstAttemptAtMs: 1, nextAttemptAtMs: null },
    });
    await sealAndCommit(transaction);
    return scope;
  }

  beforeEach(() => world.database.query('TRUNCATE eo_parked_key, eo_parked_event'));

  it('gives the first event of a key up, and asks before many', async () => {
    const [one] = [await park('o-1'), await park('o-2')];

    const many = await parked('dead-letter', '--handler', 'capture', '--reason', 'paid by hand');
    const [before] = await world.database.query(
      'SELECT count(given_up_by)::integer AS count FROM eo_parked_event',
    );
    const words = ['--key', 'o-1', '--reason', 'paid by hand', '--by', 'ada', '--json'];
    const given = await parked('dead-letter', ...words);
    const none = await parked('dead-letter', '--key', 'o-9', '--reason', 'x');
    const blank = await parked('dead-letter', '--key', 'o-1', '--reason', ' ');
    const transaction = await storage.begin(begun);
    const first = await storage.parked.take(transaction, one!);
    await transaction.rollback();

    expect(many).toEqual({ code: 4, out: '', err: '2 keys fit. Nothing was done: say --yes.\n' });
    expect(before).toEqual({ count: 0 });
    expect(given).toEqual({ code: 0, out: '{"givenUp":1}\n', err: '' });
    expect(first).toMatchObject({ givenUp: { by: 'ada', why: 'paid by hand' } });
    expect([none.code, blank.code]).toEqual([3, 2]);
  });

  it('shows the keys that wait, and makes those that fit due', async () => {
    const scope = await park('o-1');

    const list = await parked('list');
    const other = await parked('retry', '--key', 'o-2');
    const before = await storage.parked.upcoming([scope.handlerId], 9);
    const retried = await parked('retry', '--handler', 'capture', '--key', 'o-1', '--json');

    expect(list.out).toMatch(
      /^HANDLER +TOPIC +KEY +EVENTS +CODE\ncapture +orders +o-1 +1 +EO_PROCESS_KILLED\n/,
    );
    expect([other.code, other.out, before]).toEqual([3, '0 keys due now.\n', []]);
    expect([retried.code, JSON.parse(retried.out)]).toEqual([0, { retried: 1 }]);
    expect(await storage.parked.upcoming([scope.handlerId], 9)).toHaveLength(1);
  });
});
