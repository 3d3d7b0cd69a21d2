/**
 * The part of the storage suite about the inbox: what is fresh, what is a duplicate, and what is undone.
 *
 * Asks through transactions that commit or roll back, never beside them.
 */
import assert from 'node:assert/strict';
import type { Storage } from '@exactly-once/core';
import type { It } from './concurrency-conformance.js';
import { committed, event, options, record } from './conformance-records.js';

export function describeAdmission(it: It, storage: () => Storage): void {
  describeVerdicts(it, storage);
  describeUndoing(it, storage);
}

function describeVerdicts(it: It, storage: () => Storage): void {
  it('admits each key once and answers in the order given', async () => {
    await committed(storage(), (transaction) => storage().inbox.admit(transaction, [record('b')]));

    const answers = await committed(storage(), (transaction) =>
      storage().inbox.admit(transaction, [record('c'), record('b'), record('a')]),
    );

    assert.deepEqual(
      answers.map(({ verdict }) => verdict),
      ['fresh', 'duplicate', 'fresh'],
    );
  });

  it('says with which body a duplicate was recorded', async () => {
    await committed(storage(), (transaction) => storage().inbox.admit(transaction, [record('a', 'one')]));

    const [answer] = await committed(storage(), (transaction) =>
      storage().inbox.admit(transaction, [record('a', 'two')]),
    );

    assert.ok(answer?.verdict === 'duplicate');
    assert.deepEqual(Buffer.from(answer.fingerprint), Buffer.from(record('a', 'one').fingerprint));
  });
}

function describeUndoing(it: It, storage: () => Storage): void {
  it('withdraws what was admitted and not handled', async () => {
    await committed(storage(), async (transaction) => {
      await storage().inbox.admit(transaction, [record('a'), record('b')]);
      await storage().inbox.withdraw(transaction, [record('b').key]);
    });

    const answers = await committed(storage(), (transaction) =>
      storage().inbox.admit(transaction, [record('a'), record('b')]),
    );

    assert.deepEqual(
      answers.map(({ verdict }) => verdict),
      ['duplicate', 'fresh'],
    );
  });

  it('undoes a failed savepoint, with what was published in it, and goes on', async () => {
    const transaction = await storage().begin(options);
    await assert.rejects(
      transaction.savepoint(async () => {
        await storage().inbox.admit(transaction, [record('undone')]);
        transaction.outgoing.push({ event: event('undone'), deliverAtMs: null });
        throw new Error('on purpose');
      }),
      /on purpose/,
    );
    await storage().inbox.admit(transaction, [record('kept')]);
    await transaction.seal();
    await transaction.commit();

    const answers = await committed(storage(), (again) =>
      storage().inbox.admit(again, [record('undone'), record('kept')]),
    );
    assert.deepEqual(
      answers.map(({ verdict }) => verdict),
      ['fresh', 'duplicate'],
    );
    assert.equal((await storage().outbox.depth()).pending, 0);
  });
}
