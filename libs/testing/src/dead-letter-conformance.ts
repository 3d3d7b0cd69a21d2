/**
 * The part of the storage suite about dead letters: what is read of them, and what people decide about them.
 *
 * Asks that a letter comes back as it was, that no decision is taken twice, and that a replay keeps the order of a key.
 */
import assert from 'node:assert/strict';
import type { DeadLetterFilter, Storage } from '@exactly-once/core';
import type { It } from './concurrency-conformance.js';
import { committed, options } from './conformance-records.js';
import { buried, handlerOf, letter, names, plain, scopeOf, taken, targetOf } from './dead-letter-records.js';

const decision = { by: 'ada', why: 'a test\u0000order' };

export function describeDeadLetters(it: It, storage: () => Storage): void {
  describeReading(it, storage);
  describeReplay(it, storage);
  describeOtherDecisions(it, storage);
}

function describeReading(it: It, storage: () => Storage): void {
  it('gives a dead letter back as it was, whatever it holds', async () => {
    const handlerId = await handlerOf(storage());
    const headers = Object.assign(Object.create(null), { 'a\0': '\0', constructor: 'base64:AP8=' });
    const hostile = letter(handlerId, "'; DROP TABLE eo_dead_letter; -- \0", {
      key: Buffer.from('k\0é'),
      headers,
      body: Buffer.from([0, 255]),
      redacted: true,
      replayOf: 12n,
    });
    const [id] = await buried(storage(), hostile);

    const found = await storage().deadLetters.find(id!);

    const { deadAtMs, ...rest } = found!;
    assert.ok(Math.abs(deadAtMs) > 0 || deadAtMs === 0);
    assert.deepEqual(
      plain(rest),
      plain({
        ...hostile,
        ...{ id, error: 'Error: outer', state: 'dead', editCount: 0, edits: [] },
        ...{ decidedBy: null, decidedWhy: null, decidedAtMs: null },
      }),
    );
    assert.equal(await storage().deadLetters.find(id! + 1n), null);
  });

  it('lists dead letters by each word of a filter, page by page', async () => {
    const handlerId = await handlerOf(storage(), 'now');
    const { deadLetters } = storage();
    const ids = await buried(
      storage(),
      letter(handlerId, '1'),
      letter(null, '2', { handler: 'other', type: 'a\0type', topic: 'elsewhere', code: 'EO_BODY_INVALID' }),
      letter(null, '3', { handler: null, type: null, key: null, eventId: null }),
      letter(null, '4', { key: Buffer.from('other'), errorChain: ['Error: a % of _', 'Error: inner one'] }),
    );
    await deadLetters.discard([ids[3]!], decision);
    const { deadAtMs } = (await deadLetters.find(ids[0]!))!;
    const fits = async (filter: DeadLetterFilter) =>
      (await deadLetters.list(filter, 10)).map(({ id }) => ids.indexOf(id) + 1).join('');

    assert.deepEqual(
      [
        await fits({}),
        await fits({ handler: 'h' }),
        await fits({ handler: 'now' }),
        await fits({ type: 'a\0type' }),
        await fits({ topic: 'elsewhere', handler: 'other' }),
        await fits({ topic: 'elsewhere', handler: 'h' }),
        await fits({ key: 'k' }),
        await fits({ code: 'EO_BODY_INVALID' }),
        await fits({ error: 'inner' }),
        await fits({ error: 'a % of _' }),
        await fits({ error: 'outer%' }),
        await fits({ state: 'dead' }),
        await fits({ state: 'discarded' }),
        await fits({ ids: [ids[2]!, ids[0]!, 1_000_000n] }),
        await fits({ ids: [] }),
        await fits({ fromMs: deadAtMs - 60_000, toMs: deadAtMs + 60_000 }),
        await fits({ toMs: deadAtMs - 60_000 }),
        await fits({ fromMs: deadAtMs + 60_000 }),
      ],
      ['1234', '14', '1', '2', '2', '', '12', '2', '1234', '4', '', '123', '4', '13', '', '1234', '', ''],
    );
    const counts = [
      await deadLetters.count(),
      await deadLetters.count({}),
      await deadLetters.count({ key: 'k' }),
    ];
    assert.deepEqual([counts, await deadLetters.lastId()], [[3, 4, 2], ids[3]]);
    const page = await deadLetters.list({}, 2, ids[0]);
    assert.deepEqual(
      page.map(({ id }) => id),
      [ids[1], ids[2]],
    );
    assert.equal('body' in page[0]! || 'headers' in page[0]!, false);
  });
}

function describeReplay(it: It, storage: () => Storage): void {
  it('replays dead letters in order, before what is parked of their key', async () => {
    const handlerId = await handlerOf(storage());
    const { deadLetters, parked } = storage();
    const headers = { ce_id: '1', binary: 'base64:AP8=' };
    const [one, two, other] = await buried(
      storage(),
      letter(handlerId, '1', { headers }),
      letter(handlerId, '2', { body: null, code: 'EO_PROCESS_KILLED' }),
      letter(handlerId, '3', { key: Buffer.from('j'), target: targetOf(handlerId, '3', 'j') }),
    );
    await committed(storage(), (transaction) =>
      parked.park(transaction, {
        ...scopeOf(handlerId),
        ...{ partition: 0, offset: 9n, key: Buffer.from('k'), headers: {}, body: null, timestampMs: 1 },
        ...{ inboxKey: Buffer.from('behind'.padEnd(24)), code: 'EO_KEY_PARKED', errorChain: [] },
        ...{ attempts: 0, deaths: 0, firstAttemptAtMs: 1, nextAttemptAtMs: null },
      }),
    );

    const late = await deadLetters.replay([two!], 'ada');
    const early = await deadLetters.replay([other!, one!, one!], 'ada');

    assert.deepEqual([late, early], [[done(two)], [done(one), done(other)]]);
    const [first, ...behind] = await taken(storage(), scopeOf(handlerId));
    assert.deepEqual(names(behind), ['2', 'behind']);
    assert.deepEqual(
      [first!.attempts, first!.deaths, behind[0]!.deaths, first!.offset, first!.timestampMs],
      [0, 0, 1, 7n, 1_700_000_000_000],
    );
    assert.deepEqual(plain(first!.headers), { ce_id: hex('1'), binary: '00ff' });
    assert.deepEqual([String(first!.body), behind[0]!.body], ['{}', null]);
    assert.deepEqual(names(await taken(storage(), scopeOf(handlerId, 'j'))), ['3']);
    const { state, decidedBy, decidedAtMs } = (await deadLetters.find(one!))!;
    assert.deepEqual([state, decidedBy, typeof decidedAtMs], ['replayed', 'ada', 'number']);
    assert.equal(await deadLetters.count(), 0);
  });

  it('replays a letter once, however often and by how many it is asked for', async () => {
    const handlerId = await handlerOf(storage());
    const { deadLetters } = storage();
    const letters = Array.from({ length: 30 }, (_, number) =>
      letter(handlerId, `${number}`, { target: targetOf(handlerId, `${number}`, `${number % 3}`) }),
    );
    const ids = await buried(storage(), ...letters);

    const answers = await Promise.all([
      deadLetters.replay(ids, 'ada'),
      deadLetters.replay(ids.toReversed(), 'bob'),
    ]);
    const again = await deadLetters.replay(ids, 'ada');

    const replayed = answers.flat().filter(({ outcome }) => outcome === 'replayed');
    assert.equal(replayed.length, ids.length);
    assert.deepEqual(new Set(again.map(({ outcome }) => outcome)), new Set(['not-dead']));
    assert.equal(await storage().parked.count(), ids.length);
    const ofOneKey = names(await taken(storage(), scopeOf(handlerId, '1')));
    assert.deepEqual(
      ofOneKey,
      ofOneKey.toSorted((one, other) => Number(one) - Number(other)),
    );
    assert.equal(ofOneKey.length, 10);
  });

  it('says which letters cannot be replayed, and leaves those alone', async () => {
    const handlerId = await handlerOf(storage());
    const { deadLetters, handlers } = storage();
    const retired = await handlerOf(storage(), 'retired');
    await handlers.register('service of retired', [{ name: 'newer' }], () => undefined);
    const ids = await buried(
      storage(),
      letter(null, 'nobody', { handler: null }),
      letter(1_000_000, 'unknown'),
      letter(retired, 'retired'),
      letter(handlerId, 'redacted', { redacted: true }),
      letter(handlerId, 'reused', { code: 'EO_ID_REUSED' }),
    );

    const answers = await deadLetters.replay([...ids, 1_000_000n], 'ada');

    assert.deepEqual(
      answers.map(({ outcome }) => outcome),
      ['no-handler', 'no-handler', 'no-handler', 'redacted', 'id-reused', 'not-dead'],
    );
    assert.equal(await storage().parked.count(), 0);
    assert.equal(await deadLetters.count(), ids.length);
  });
}

function describeOtherDecisions(it: It, storage: () => Storage): void {
  it('discards dead letters with reason and name, once', async () => {
    const { deadLetters } = storage();
    const ids = await buried(storage(), letter(null, '1'), letter(null, '2'));

    const first = await deadLetters.discard([ids[1]!, ids[0]!, 1_000_000n], decision);
    const again = await deadLetters.discard(ids, { by: 'bob', why: 'late' });
    const edited = await deadLetters.edit(ids[0]!, Buffer.from('x'), 'bob');

    assert.deepEqual([first, again, edited], [ids, [], false]);
    const { state, decidedBy, decidedWhy } = (await deadLetters.find(ids[0]!))!;
    assert.deepEqual(
      [state, decidedBy, decidedWhy?.replace('\u0000', '\\u0000')],
      ['discarded', 'ada', 'a test\\u0000order'],
    );
    assert.equal(await deadLetters.count(), 0);
  });

  it('lets one decision win where a replay and a discard meet', async () => {
    const handlerId = await handlerOf(storage());
    const { deadLetters } = storage();
    const letters = Array.from({ length: 20 }, (_, number) => letter(handlerId, `${number}`));
    const ids = await buried(storage(), ...letters);

    const [answers, discarded] = await Promise.all([
      deadLetters.replay(ids, 'ada'),
      deadLetters.discard(ids.toReversed(), decision),
    ]);

    const replayed = answers.filter(({ outcome }) => outcome === 'replayed');
    assert.equal(replayed.length + discarded.length, ids.length);
    assert.equal(await storage().parked.count(), replayed.length);
  });

  it('keeps each edit of a body with its author, and replays the last', async () => {
    const handlerId = await handlerOf(storage());
    const { deadLetters } = storage();
    const [id] = await buried(storage(), letter(handlerId, '1', { redacted: true }));

    await deadLetters.edit(id!, Buffer.from([0, 1]), 'ada');
    await deadLetters.edit(id!, Buffer.from('better'), 'bob\u0000');
    const found = (await deadLetters.find(id!))!;
    const [answer] = await deadLetters.replay([id!], 'ada');
    const late = await deadLetters.edit(id!, Buffer.from('late'), 'ada');

    assert.deepEqual([String(found.body), found.editCount, late], ['{}', 2, false]);
    assert.deepEqual(
      found.edits.map(({ by, body }) => [by.replace('\u0000', '\\u0000'), Buffer.from(body).toString()]),
      [
        ['ada', '\u0000\u0001'],
        ['bob\\u0000', 'better'],
      ],
    );
    assert.ok(found.edits.every(({ atMs }) => Number.isSafeInteger(atMs)));
    assert.equal(answer!.outcome, 'replayed');
    const [entry] = await taken(storage(), scopeOf(handlerId));
    assert.equal(String(entry!.body), 'better');
  });

  it('takes a letter back with the transaction that wrote it', async () => {
    const transaction = await storage().begin(options);
    await storage().deadLetters.insert(transaction, letter(null, '1'));
    await transaction.rollback();

    assert.deepEqual(await storage().deadLetters.list({}, 10), []);
  });
}

const done = (id: bigint | undefined) => ({ id, outcome: 'replayed' });
const hex = (text: string) => Buffer.from(text).toString('hex');
