import type { Storage } from '@exactly-once/core';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
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

  it('shows the keys that wait, and makes those that fit due', async () => {
    const [handler] = await storage.handlers.register('payments', [{ name: 'capture' }], () => undefined);
    const scope = { handlerId: handler!.id, topic: 'orders', keyHash: Buffer.alloc(32) };
    const transaction = await storage.begin(begun);
    await storage.parked.park(transaction, {
      ...scope,
      ...{ partition: 0, offset: 9n, key: Buffer.from('o-1'), headers: {}, body: null, timestampMs: 1 },
      ...{ inboxKey: Buffer.alloc(24), code: 'EO_PROCESS_KILLED', errorChain: [] },
      ...{ attempts: 0, deaths: 3, firstAttemptAtMs: 1, nextAttemptAtMs: null },
    });
    await sealAndCommit(transaction);

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
