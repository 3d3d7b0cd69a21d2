/**
 * The part of the storage suite about rewinds: which handlers a group has, fences that go back, and generations.
 *
 * What a rewind does not name stays as it is.
 */
import assert from 'node:assert/strict';
import type { DeclaredHandler, HandlerIntake, KnownHandler, Storage } from '@exactly-once/core';
import type { It } from './concurrency-conformance.js';
import { committed, record } from './conformance-records.js';
import { buried, letter } from './dead-letter-records.js';

const consumes: HandlerIntake = { group: 'g', topic: 't', dedup: 'inbox' };

export function describeRewinding(it: It, storage: () => Storage): void {
  const register = (...declared: DeclaredHandler[]): Promise<KnownHandler[]> =>
    storage().handlers.register('service', declared, () => undefined);
  const at = async (partition: number, nextOffset: bigint, topic = 't', group = 'g') => {
    await storage().fences.claim({ group, topic, partition }, 'owner', nextOffset);
  };
  const standing = async (partition: number, topic = 't', group = 'g') =>
    (await storage().fences.read({ group, topic, partition }))?.nextOffset;
  const rewind = (targets: readonly (readonly [number, bigint])[], handlerId: number | null = null) =>
    storage().rewinds.rewind({
      ...{ group: 'g', topic: 't', targets: new Map(targets) },
      newGeneration: handlerId === null ? null : { handlerId, by: 'me' },
    });

  it('knows what the handlers of a group read, as their last start said it', async () => {
    await register(
      { name: 'b', consumes },
      { name: 'a', consumes: { ...consumes, topic: 'u', dedup: 'offset' } },
      { name: 'foreign' },
      { name: 'elsewhere', consumes: { ...consumes, group: 'other' } },
      { name: 'gone', consumes },
    );
    const before = await storage().handlers.ofGroup('g');

    await register({ name: 'b', consumes: { ...consumes, dedup: 'offset' } }, { name: 'a' });
    const after = await storage().handlers.ofGroup('g');

    const plain = (all: typeof before) => all.map(({ name, topic, dedup }) => `${name} ${topic} ${dedup}`);
    assert.deepEqual(plain(before), ['a u offset', 'b t inbox', 'gone t inbox']);
    assert.deepEqual(plain(after), ['b t offset']);
    assert.equal(after[0]?.generation, 1);
  });

  it('knows the shortest window that any handler said, and keeps it where a later start says none', async () => {
    const { handlers } = storage();
    await register({ name: 'a' });
    const nobody = await handlers.windowDays();
    await register({ name: 'a', windowDays: 3 }, { name: 'b', windowDays: 0.5 });
    await handlers.register('other', [{ name: 'c', windowDays: 30 }], () => undefined);
    const shortest = await handlers.windowDays();
    await register({ name: 'a' }, { name: 'b' });
    const kept = await handlers.windowDays();
    await register({ name: 'a', windowDays: 9 });
    const longer = await handlers.windowDays();

    assert.deepEqual([nobody, shortest, kept, longer], [null, 0.5, 0.5, 9]);
  });

  it('sets fences back to their targets, in order and without a suspect, and none forward', async () => {
    await at(0, 9n);
    await at(1, 3n);
    await at(2, 9n);
    await at(0, 9n, 'u');
    await at(0, 9n, 't', 'other');
    const move = { key: { group: 'g', topic: 't', partition: 0 }, owner: 'owner', expected: 9n, next: 10n };
    await committed(storage(), (transaction) =>
      storage().fences.advance(transaction, { ...move, lastFingerprint: record('x').fingerprint }),
    );
    await storage().fences.accuse?.(move.key, 'owner', '10 h', []);

    const done = await rewind([
      [0, 2n],
      [1, 5n],
      [7, 1n],
    ]);

    const row = await storage().fences.read(move.key);
    assert.deepEqual(done, { fences: 1, generation: null, discarded: 0 });
    assert.deepEqual(
      [row?.nextOffset, row?.clean, row?.lastFingerprint, row?.suspect],
      [2n, true, null, null],
    );
    assert.deepEqual([await standing(1), await standing(2)], [3n, 9n]);
    assert.deepEqual([await standing(0, 'u'), await standing(0, 't', 'other')], [9n, 9n]);
  });

  it('refuses a zombie that goes on behind a fence that went back', async () => {
    await at(0, 9n);
    await rewind([[0, 2n]]);

    const key = { group: 'g', topic: 't', partition: 0 };
    const moved = await committed(storage(), (transaction) =>
      storage().fences.advance(transaction, {
        ...{ key, owner: 'owner', expected: 9n, next: 10n, lastFingerprint: null },
      }),
    );

    assert.equal(moved, false);
    assert.equal(await standing(0), 2n);
  });

  it('gives one handler a new generation, and gives its dead letters up that come again', async () => {
    const [again, other] = await register({ name: 'h', consumes }, { name: 'other', consumes });
    await at(0, 9n);
    await buried(
      storage(),
      letter(again!.id, 'before', { offset: 1n }),
      letter(again!.id, 'at', { offset: 2n }),
      letter(again!.id, 'behind', { offset: 8n }),
      letter(again!.id, 'elsewhere', { offset: 8n, partition: 1 }),
      letter(again!.id, 'of another topic', { offset: 8n, topic: 'u' }),
      letter(other!.id, 'of another handler', { offset: 8n }),
    );

    const done = await rewind([[0, 2n]], again!.id);

    assert.deepEqual(done, { fences: 1, generation: 2, discarded: 2 });
    const handlers = await storage().handlers.ofGroup('g');
    assert.deepEqual(
      handlers.map(({ name, generation }) => `${name} ${generation}`),
      ['h 2', 'other 1'],
    );
    const discarded = await storage().deadLetters.list({ state: 'discarded' }, 10);
    assert.deepEqual(
      discarded.map(({ eventId, decidedBy, decidedWhy }) => [eventId, decidedBy, decidedWhy]),
      ['at', 'behind'].map((id) => [id, 'me', 'generation 2 runs everything again']),
    );
    assert.equal((await register({ name: 'h', consumes }, { name: 'other', consumes }))[0]?.generation, 2);
  });

  it('changes nothing where events of the handler are parked', async () => {
    const [again] = await register({ name: 'h', consumes });
    await at(0, 9n);
    const ids = await buried(storage(), letter(again!.id, 'one'), letter(again!.id, 'two'));
    await storage().deadLetters.replay([ids[0]!], 'me');

    const done = await rewind([[0, 2n]], again!.id);

    assert.equal(done, 'parked');
    assert.equal(await storage().rewinds.parkedEvents(again!.id), 1);
    assert.equal(await storage().deadLetters.count({ state: 'dead' }), 1);
    assert.equal(await standing(0), 9n);
    assert.equal((await storage().handlers.ofGroup('g'))[0]?.generation, 1);
    assert.deepEqual(await rewind([[0, 2n]]), { fences: 1, generation: null, discarded: 0 });
  });

  it('tells of a log who lives, and which record is not older than a time', async () => {
    const log = storage().log;
    await log.createTopics(['t'], 2);
    const one = { topic: 't', key: null, headers: {}, body: Buffer.from('x') };
    await log.append([
      { ...one, hash: 0 },
      { ...one, hash: 0 },
    ]);
    const [first] = await log.read({ topic: 't', partition: 0, offset: 0n }, { maxEvents: 1, maxBytes: 1 });
    await log.join('g', { name: 'living', topics: ['t'] }, 60_000);
    await log.join('g', { name: 'left', topics: ['t'] }, 60_000);
    await log.leave('g', 'left');

    const [old, late] = await Promise.all(
      [first!.timestampMs - 1, first!.timestampMs + 60_000].map((timeMs) => log.offsetsAt('t', timeMs)),
    );

    assert.deepEqual(
      [old, late].map((found) => found?.map(({ partition, offset }) => `${partition}@${offset}`)),
      [
        ['0@0', '1@0'],
        ['0@2', '1@0'],
      ],
    );
    assert.deepEqual(await log.members('g'), [{ name: 'living', topics: ['t'] }]);
    assert.deepEqual(await log.members('nobody'), []);
  });
}
