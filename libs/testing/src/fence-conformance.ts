/**
 * The part of the storage suite about fences: who may move a partition's position.
 *
 * A move is part of its transaction.
 */
import assert from 'node:assert/strict';
import type { Storage } from '@exactly-once/core';
import type { It } from './concurrency-conformance.js';
import { committed, options, record } from './conformance-records.js';

const fence = { group: 'g', topic: 't', partition: 0 };

export function describeFences(it: It, storage: () => Storage): void {
  const move = (owner: string, expected: bigint, next: bigint) => ({
    key: fence,
    owner,
    expected,
    next,
    lastFingerprint: null,
  });

  it('moves a fence only for its owner, from where it stands', async () => {
    await storage().fences.claim(fence, 'a', 5n);

    const moved = await committed(storage(), (transaction) =>
      storage().fences.advance(transaction, move('a', 5n, 8n)),
    );
    const stale = await committed(storage(), (transaction) =>
      storage().fences.advance(transaction, move('a', 5n, 9n)),
    );
    await storage().fences.claim(fence, 'b', 0n);
    const zombie = await committed(storage(), (transaction) =>
      storage().fences.advance(transaction, move('a', 8n, 9n)),
    );

    assert.deepEqual([moved, stale, zombie], [true, false, false]);
    assert.equal((await storage().fences.read(fence))?.nextOffset, 8n);
  });

  it('rolls a move back with its transaction', async () => {
    await storage().fences.claim(fence, 'a', 0n);
    const transaction = await storage().begin(options);
    await storage().fences.advance(transaction, move('a', 0n, 4n));
    await transaction.rollback();

    assert.equal((await storage().fences.read(fence))?.nextOffset, 0n);
  });

  it('keeps with each position the fingerprint of the record before it, also where a batch moves back', async () => {
    const [first, last] = [record('1', 'first').fingerprint, record('2', 'last').fingerprint];
    await storage().fences.claim(fence, 'a', 0n);
    await committed(storage(), (transaction) =>
      storage().fences.advance(transaction, { ...move('a', 0n, 1n), lastFingerprint: first }),
    );

    await committed(storage(), async (transaction) => {
      await storage().fences.advance(transaction, { ...move('a', 1n, 9n), lastFingerprint: last });
      await storage().fences.advance(transaction, { ...move('a', 9n, 1n), lastFingerprint: first });
    });
    const back = await storage().fences.read(fence);
    await committed(storage(), (transaction) => storage().fences.advance(transaction, move('a', 1n, 2n)));

    assert.equal(back?.nextOffset, 1n);
    assert.deepEqual(Buffer.from(back.lastFingerprint!), Buffer.from(first));
    assert.equal((await storage().fences.read(fence))?.lastFingerprint, null);
  });

  it('tells a new owner whether the last one left in order', async () => {
    const first = await storage().fences.claim(fence, 'a', 0n);
    const second = await storage().fences.claim(fence, 'b', 0n);
    await storage().fences.release(fence, 'a');
    const third = await storage().fences.claim(fence, 'c', 0n);
    await storage().fences.release(fence, 'c');
    const fourth = await storage().fences.claim(fence, 'd', 0n);

    assert.deepEqual(
      [first, second, third, fourth].map(({ clean }) => clean),
      [true, false, false, true],
    );
  });
}
