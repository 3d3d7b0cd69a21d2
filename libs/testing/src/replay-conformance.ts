/**
 * The part of the storage suite about letters whose replay failed, too, and about what is still to be handled.
 *
 * Asks that a key keeps its order however often it is replayed, and that the inbox forgets nothing that waits.
 */
import assert from 'node:assert/strict';
import type { Storage } from '@exactly-once/core';
import type { It } from './concurrency-conformance.js';
import { committed } from './conformance-records.js';
import { buried, handlerOf, letter, names, scopeOf, taken, targetOf } from './dead-letter-records.js';

export function describeReplays(it: It, storage: () => Storage): void {
  it('replays a letter of a failed replay in the place of the first, and makes only the first of a key due', async () => {
    const handlerId = await handlerOf(storage());
    const { deadLetters } = storage();
    const [first, two, three] = await buried(
      storage(),
      letter(handlerId, '1'),
      letter(handlerId, '2'),
      letter(handlerId, '3', { code: 'EO_PROCESS_KILLED' }),
    );
    await deadLetters.replay([first!], 'ada');
    await taken(storage(), scopeOf(handlerId));
    const [again] = await buried(storage(), letter(handlerId, '1', { replayOf: first! }));

    const listed = await deadLetters.list({ state: 'dead' }, 2);
    const next = await deadLetters.list({ state: 'dead' }, 2, two);
    const answers = await deadLetters.replay([again!, two!, three!], 'ada');

    assert.deepEqual(
      [listed, next].map((heads) => heads.map(({ id }) => id)),
      [[again, two], [three]],
    );
    assert.deepEqual(answers, [done(two), done(three), done(again)]);
    const entries = await taken(storage(), scopeOf(handlerId));
    assert.deepEqual(names(entries), ['1', '2', '3']);
    const wereDue = entries.map(({ nextAttemptAtMs }) => Number(nextAttemptAtMs) > 0);
    assert.deepEqual(wereDue, [true, false, true]);
  });

  it('remembers in the inbox what is dead or parked, however old it is', async () => {
    const handlerId = await handlerOf(storage());
    const { deadLetters, inbox } = storage();
    const records = ['1', '2', 'done'].map((id) => ({
      key: targetOf(handlerId, id).inboxKey,
      handlerId,
      fingerprint: Buffer.alloc(16),
    }));
    await committed(storage(), (transaction) => inbox.admit(transaction, records));
    const ids = await buried(storage(), letter(handlerId, '1'), letter(handlerId, '2'));
    const forget = () => inbox.deleteOlderThan(-60_000, 10);

    const whileDead = await forget();
    await deadLetters.replay([ids[0]!], 'ada');
    const whileParked = await forget();
    await taken(storage(), scopeOf(handlerId));
    await deadLetters.discard([ids[1]!], { by: 'ada', why: 'a test' });
    const decided = await forget();

    assert.deepEqual([whileDead, whileParked, decided], [1, 0, 2]);
  });

  it('makes the first event of a key due now, also one that waits for a person', async () => {
    const { parked } = storage();
    const handlerId = await handlerOf(storage());
    const waiting = (id: string, deaths: number) => ({
      ...scopeOf(handlerId),
      ...{ partition: 0, offset: 9n, key: Buffer.from('k'), headers: {}, body: null, timestampMs: 1 },
      ...{ inboxKey: targetOf(handlerId, id).inboxKey, code: 'EO_PROCESS_KILLED', errorChain: [] },
      ...{ attempts: 0, deaths, firstAttemptAtMs: 1, nextAttemptAtMs: null },
    });
    await committed(storage(), (transaction) => parked.park(transaction, waiting('1', 3)));
    await committed(storage(), (transaction) => parked.park(transaction, waiting('2', 0)));

    const hastened = [await parked.hasten(scopeOf(handlerId)), await parked.hasten(scopeOf(handlerId, 'j'))];

    assert.deepEqual(hastened, [true, false]);
    const entries = await taken(storage(), scopeOf(handlerId));
    const wereDue = entries.map(({ nextAttemptAtMs }) => Number(nextAttemptAtMs) > 0);
    assert.deepEqual(wereDue, [true, false]);
  });

  it('forgets letters that were decided about long ago, step by step, and none that is dead', async () => {
    const handlerId = await handlerOf(storage());
    const { deadLetters } = storage();
    const ids = await buried(storage(), ...['1', '2', '3', '4'].map((id) => letter(handlerId, id)));
    await deadLetters.replay([ids[0]!], 'ada');
    await deadLetters.discard([ids[1]!, ids[2]!], { by: 'ada', why: 'a test' });

    const young = await deadLetters.deleteDecided(60_000, 10);
    const steps = [];
    for (let step = 0; step < 3; step++) steps.push(await deadLetters.deleteDecided(-60_000, 2));

    assert.deepEqual([young, steps], [0, [2, 1, 0]]);
    const left = await deadLetters.list({}, 10);
    assert.deepEqual(
      left.map(({ id }) => id),
      [ids[3]],
    );
  });
}

const done = (id: bigint | undefined) => ({ id, outcome: 'replayed' });
