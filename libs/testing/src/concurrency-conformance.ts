/**
 * The part of the storage suite about transactions that meet: the second one waits, and nobody waits for ever.
 *
 * A storage that opens one transaction at a time is asked for as much, by other means.
 */
import assert from 'node:assert/strict';
import type { Storage } from '@exactly-once/core';
import { committed, event, options, record } from './conformance-records.js';

export type It = (title: string, body: () => Promise<void>) => void;

export function describeConcurrency(it: It, storage: () => Storage, concurrentTransactions: boolean): void {
  if (concurrentTransactions) {
    describeWaiting(it, storage);
    describeLeaving(it, storage);
  } else {
    describeTurns(it, storage);
  }

  it('never deadlocks on batches that overlap in opposite orders', async () => {
    const names = Array.from({ length: 20 }, (_, index) => `k${index}`);
    const runs = Array.from({ length: 6 }, (_, run) => (run % 2 === 0 ? names : names.toReversed()));

    const answers = await Promise.all(
      runs.map((order) =>
        committed(storage(), (transaction) =>
          storage().inbox.admit(
            transaction,
            order.map((name) => record(name)),
          ),
        ),
      ),
    );

    const fresh = answers.flat().filter(({ verdict }) => verdict === 'fresh');
    assert.equal(fresh.length, names.length);
  });
}

function describeWaiting(it: It, storage: () => Storage): void {
  it('claims nothing of an open or a sealed transaction, and everything once it has committed', async () => {
    const lease = await storage().leases.acquire(0, 'relay', 60_000);
    const claimed = async () => (await storage().outbox.claim(lease!, 10)).rows.map((row) => row.event.id);
    const transaction = await storage().begin(options);
    transaction.outgoing.push({ event: event('1'), deliverAtMs: null });

    const open = await claimed();
    await transaction.seal();
    const sealed = [...(await claimed()), (await storage().outbox.depth()).pending];
    await transaction.commit();

    assert.deepEqual([open, sealed, await claimed()], [[], [0], ['1']]);
  });

  it('lets the second copy wait: a duplicate if the first commits, fresh if it rolls back', async () => {
    for (const end of ['commit', 'rollback'] as const) {
      const first = await storage().begin(options);
      await storage().inbox.admit(first, [record(end)]);
      const second = await storage().begin(options);
      const waiting = storage().inbox.admit(second, [record(end)]);

      if (end === 'commit') await first.seal();
      await first[end]();
      const [answer] = await waiting;
      await second.rollback();

      assert.equal(answer?.verdict, end === 'commit' ? 'duplicate' : 'fresh');
    }
  });
}

function describeLeaving(it: It, storage: () => Storage): void {
  const key = { group: 'g', topic: 't', partition: 0 };

  it('lets who asks wait until a batch that has moved the position has ended', async () => {
    const { fences } = storage();
    const move = { key, owner: 'a', expected: 0n, next: 1n, lastFingerprint: null };
    const seen: string[] = [];
    await fences.claim(key, 'a', 0n);
    const batch = await storage().begin(options);
    await fences.advance(batch, move);
    const waiting = committed(storage(), async (transaction) => {
      await fences.settled?.(transaction, key);
      seen.push(String((await fences.read(key))?.nextOffset));
    });
    await committed(storage(), async (transaction) =>
      fences.settled?.(transaction, { ...key, partition: 9 }),
    );
    await batch.seal();
    await batch.commit();
    await waiting;

    assert.deepEqual(seen, ['1']);
  });

  it('tells who waits for the last batch of an owner whether it left in order, or fails with it', async () => {
    for (const end of ['commit', 'rollback'] as const) {
      const { fences } = storage();
      if (fences.leave === undefined) return;
      const { nextOffset } = await fences.claim(key, `owner until ${end}`, 0n);
      const move = { key, owner: `owner until ${end}`, expected: nextOffset, next: nextOffset + 1n };
      const last = await storage().begin(options);
      await fences.advance(last, { ...move, lastFingerprint: null });
      const claiming = fences.claim(key, 'next', 0n);
      await fences.leave(last, key, move.owner);
      if (end === 'commit') await last.seal();
      await last[end]();

      assert.equal((await claiming).clean, end === 'commit');
    }
  });
}

function describeTurns(it: It, storage: () => Storage): void {
  it('lets the second transaction wait: it begins when the first has ended, and sees what that left', async () => {
    for (const end of ['commit', 'rollback'] as const) {
      const order: string[] = [];
      const first = await storage().begin(options);
      const beginning = storage().begin(options);
      void beginning.then(() => order.push('second begins'));
      await storage().inbox.admit(first, [record(end)]);

      if (end === 'commit') await first.seal();
      order.push('first ends');
      await first[end]();
      const second = await beginning;
      const [answer] = await storage().inbox.admit(second, [record(end)]);
      await second.rollback();

      assert.deepEqual(order, ['first ends', 'second begins']);
      assert.equal(answer?.verdict, end === 'commit' ? 'duplicate' : 'fresh');
    }
  });
}
