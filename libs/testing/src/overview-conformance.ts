/**
 * The part of the storage suite about counts for people: what is parked and dead for whom, and where each group stands.
 *
 * Asks for the order of the names, too, so that what is printed twice is the same.
 */
import assert from 'node:assert/strict';
import type { Storage } from '@exactly-once/core';
import type { It } from './concurrency-conformance.js';
import { committed } from './conformance-records.js';
import { buried, handlerOf, letter, targetOf } from './dead-letter-records.js';

export function describeOverview(it: It, storage: () => Storage): void {
  it('counts what is parked and dead for each handler, and says where each group stands', async () => {
    const { overview, deadLetters, fences } = storage();
    const empty = [await overview.parked(), await overview.deadLetters(), await overview.positions()];
    const [one, two] = [await handlerOf(storage(), 'one'), await handlerOf(storage(), 'two')];
    const replayed = await buried(
      storage(),
      letter(two, '1'),
      letter(one, '2'),
      letter(one, '3'),
      letter(one, '4', { key: Buffer.from('j'), target: targetOf(one, '4', 'j') }),
    );
    await deadLetters.replay(replayed, 'ada');
    const [discarded] = await buried(storage(), letter(null, '5'));
    await deadLetters.discard([discarded!], { by: 'ada', why: 'x' });
    const given = { handler: 'a', code: 'EO_PERMANENT' };
    await buried(
      storage(),
      letter(null, '6', given),
      letter(null, '7', given),
      letter(null, '8', { handler: null }),
    );
    for (const topic of ['u', 't']) {
      for (const partition of [10, 9]) await fences.claim({ group: 'g', topic, partition }, 'me', 5n);
    }
    const move = { key: { group: 'g', topic: 't', partition: 9 }, owner: 'me', expected: 5n, next: 7n };
    await committed(storage(), (transaction) =>
      fences.advance(transaction, { ...move, lastFingerprint: null }),
    );
    await fences.release(move.key, 'me');

    assert.deepEqual(empty, [[], [], []]);
    assert.deepEqual(await overview.parked(), [
      { handler: 'one', keys: 2, events: 3 },
      { handler: 'two', keys: 1, events: 1 },
    ]);
    assert.deepEqual(await overview.deadLetters(), [
      { handler: null, code: 'EO_HANDLER_FAILED', letters: 1 },
      { handler: 'a', code: 'EO_PERMANENT', letters: 2 },
    ]);
    const at = { group: 'g', owner: 'me' };
    assert.deepEqual(await overview.positions(), [
      { ...at, topic: 't', partition: 9, nextOffset: 7n, clean: true },
      { ...at, topic: 't', partition: 10, nextOffset: 5n, clean: false },
      { ...at, topic: 'u', partition: 9, nextOffset: 5n, clean: false },
      { ...at, topic: 'u', partition: 10, nextOffset: 5n, clean: false },
    ]);
  });
}
