/**
 * The part of the storage suite about events that kill their process: marks on a fence.
 *
 * A fence without marks is not asked for them.
 */
import assert from 'node:assert/strict';
import type { Storage } from '@exactly-once/core';
import type { It } from './concurrency-conformance.js';
import { committed, options } from './conformance-records.js';

const fence = { group: 'g', topic: 't', partition: 0 };

export function describeSuspects(it: It, storage: () => Storage): void {
  const accuse = (owner: string, unit: string, before: readonly string[] = []) =>
    storage().fences.accuse!(fence, owner, unit, before);
  const suspect = async () => (await storage().fences.read(fence))?.suspect;

  it('remembers who ran a unit alone and was not heard of again', async () => {
    await storage().fences.claim(fence, 'a', 0n);
    const first = await accuse('a', '0 h');
    const claimed = await storage().fences.claim(fence, 'b', 0n);
    const second = await accuse('b', '0 h');
    const again = await accuse('b', '0 h');

    assert.deepEqual(claimed.suspect, { unit: '0 h', owners: ['a'] });
    assert.deepEqual([first, second, again], [[], ['a'], ['a']]);
    assert.deepEqual(await suspect(), { unit: '0 h', owners: ['a', 'b'] });
  });

  it('lets nobody accuse whose the partition is not, and everybody take back that it did', async () => {
    await storage().fences.claim(fence, 'a', 0n);
    await accuse('a', '0 h');
    await storage().fences.claim(fence, 'b', 0n);

    const zombie = await accuse('a', '1 h');
    await storage().fences.acquit!(fence, 'a');
    await storage().fences.acquit!(fence, 'never there');

    assert.equal(zombie, null);
    assert.deepEqual(await accuse('b', '0 h', ['a']), []);
    assert.deepEqual(await suspect(), { unit: '0 h', owners: ['b'] });
  });

  it('goes on from what is known of a unit where another one was accused in between', async () => {
    await storage().fences.claim(fence, 'b', 0n);
    await accuse('b', '0 h');

    assert.deepEqual(await accuse('b', '1 h', ['a']), ['a']);
    assert.deepEqual(await suspect(), { unit: '1 h', owners: ['a', 'b'] });
  });

  it('forgets the mark with a move that commits, and with a new log, and not with one that is undone', async () => {
    const move = { key: fence, owner: 'a', expected: 0n, next: 1n, lastFingerprint: null };
    await storage().fences.claim(fence, 'a', 0n);
    await accuse('a', '0 h');
    const transaction = await storage().begin(options);
    await storage().fences.advance(transaction, move);
    await transaction.rollback();
    const undone = await suspect();
    await committed(storage(), (again) => storage().fences.advance(again, move));
    const moved = await suspect();
    await accuse('a', '1 h');
    await storage().fences.reposition(fence, 'a', 0n, true);

    assert.deepEqual([undone, moved, await suspect()], [{ unit: '0 h', owners: ['a'] }, null, null]);
  });
}
