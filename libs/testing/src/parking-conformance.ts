/**
 * The part of the storage suite about events that kill their process and events that wait: marks on a fence, parked
 * keys and their order.
 *
 * A fence without marks is not asked for them.
 */
import assert from 'node:assert/strict';
import type { ParkedEvent, Storage } from '@exactly-once/core';
import type { It } from './concurrency-conformance.js';
import { committed, options } from './conformance-records.js';

const fence = { group: 'g', topic: 't', partition: 0 };

function describeSuspects(it: It, storage: () => Storage): void {
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

export function describeParking(it: It, storage: () => Storage, concurrentTransactions: boolean): void {
  describeSuspects(it, storage);
  const park = (...events: ParkedEvent[]) =>
    committed(storage(), async (transaction) => {
      for (const event of events) await storage().parked.park(transaction, event);
    });
  const parked = (...events: ParkedEvent[]) =>
    committed(storage(), (transaction) => storage().parked.parked(transaction, events));
  const takeOne = (event: ParkedEvent) =>
    committed(storage(), async (transaction) => {
      const entry = await storage().parked.take(transaction, event);
      if (entry === null || entry === 'busy') return entry;
      await storage().parked.settle(transaction, entry);
      return Buffer.from(entry.inboxKey).toString().trim();
    });

  it('parks the events of a key in order, for one handler of one topic', async () => {
    await park(event('1', 'k'), event('2', 'k'), event('3', 'other'));

    const answers = await parked(
      event('', 'none'),
      event('', 'k'),
      { ...event('', 'k'), handlerId: 2 },
      { ...event('', 'k'), topic: 'elsewhere' },
      event('', 'other'),
    );

    assert.deepEqual(answers, [false, true, false, false, true]);
    assert.equal(await storage().parked.count(), 3);
    assert.deepEqual([await takeOne(event('', 'k')), await takeOne(event('', 'k'))], ['1', '2']);
    assert.equal(await takeOne(event('', 'k')), null);
    assert.deepEqual(await parked(event('', 'k'), event('', 'other')), [false, true]);
  });

  it('gives an event back as it was, whatever it holds', async () => {
    const headers = Object.assign(Object.create(null), {
      "'; --": Buffer.from([0, 255]),
      constructor: Buffer.from('x'),
    });
    const hostile = { ...event('1', 'k\u0000é'), headers, body: null, topic: "t'; --" };
    await park(hostile);

    const transaction = await storage().begin(options);
    const entry = await storage().parked.take(transaction, hostile);
    await transaction.rollback();

    assert.ok(entry !== null && entry !== 'busy');
    const { position: _, ...given } = entry;
    assert.deepEqual(plain(given), plain(hostile));
    assert.deepEqual(
      (await storage().parked.scopes(9)).map(({ topic, events, code, key }) => ({
        ...{ topic, events, code },
        key: Buffer.from(key!).toString(),
      })),
      [{ topic: "t'; --", events: 1, code: 'EO_PROCESS_KILLED', key: 'k\u0000é' }],
    );
  });

  it('takes back what was parked, or taken out, in a transaction that is undone', async () => {
    const undone = await storage().begin(options);
    await storage().parked.park(undone, event('1', 'k'));
    await undone.rollback();
    const none = await parked(event('', 'k'));
    await park(event('2', 'k'));
    const kept = await storage().begin(options);
    const entry = await storage().parked.take(kept, event('', 'k'));
    if (entry !== null && entry !== 'busy') await storage().parked.settle(kept, entry);
    await kept.rollback();

    assert.deepEqual(
      [none, await parked(event('', 'k')), await takeOne(event('', 'k'))],
      [[false], [true], '2'],
    );
  });

  it('tells the owner of a partition on its way whether anything is parked', async () => {
    const seen: string[] = [];
    const move = (expected: bigint, name: string) =>
      committed(storage(), (transaction) =>
        storage().fences.advance(transaction, {
          ...{ key: fence, owner: 'a', expected, next: expected + 1n, lastFingerprint: null },
          onParked: () => void seen.push(name),
        }),
      );
    await storage().fences.claim(fence, 'a', 0n);

    await move(0n, 'before');
    await park({ ...event('1', 'k'), topic: 'of another' });
    await move(1n, 'while');
    await takeOne({ ...event('', 'k'), topic: 'of another' });
    await move(2n, 'after');

    assert.deepEqual(seen, ['while']);
  });

  if (!concurrentTransactions) return;

  it('lets nobody take out while somebody appends, nor two at once', async () => {
    await park(event('1', 'k'));
    const appending = await storage().begin(options);
    const known = await storage().parked.parked(appending, [event('', 'k')]);
    const beside = await takeOne(event('', 'k'));
    await storage().parked.park(appending, event('2', 'k'));
    await appending.seal();
    await appending.commit();
    const holding = await storage().begin(options);
    await storage().parked.take(holding, event('', 'k'));
    const second = await takeOne(event('', 'k'));
    await holding.rollback();

    assert.deepEqual([known, beside, second], [[true], 'busy', 'busy']);
    assert.equal(await takeOne(event('', 'k')), '1');
  });

  it('lets who appends wait for who takes the last one out, and then find the key free', async () => {
    await park(event('1', 'k'));
    const taking = await storage().begin(options);
    const entry = await storage().parked.take(taking, event('', 'k'));
    if (entry !== null && entry !== 'busy') await storage().parked.settle(taking, entry);
    const waiting = parked(event('', 'k'));

    await taking.seal();
    await taking.commit();

    assert.deepEqual(await waiting, [false]);
    assert.equal(await storage().parked.count(), 0);
  });
}

function event(name: string, key: string): ParkedEvent {
  return {
    handlerId: 1,
    topic: 't',
    keyHash: Buffer.from(key.padEnd(32)).subarray(0, 32),
    partition: 3,
    offset: 7n,
    key: Buffer.from(key),
    headers: {},
    body: Buffer.from('{}'),
    timestampMs: 1_700_000_000_000,
    inboxKey: Buffer.from(name.padEnd(24)),
    code: 'EO_PROCESS_KILLED',
    errorChain: ['one', 'two'],
    attempts: 3,
    deaths: 3,
    firstAttemptAtMs: 1_700_000_000_001,
  };
}

/** Bytes of whatever class as text, to be compared. */
function plain({ headers, ...event }: ParkedEvent): unknown {
  const text = (value: unknown) => (value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value);
  return {
    ...Object.fromEntries(Object.entries(event).map(([name, value]) => [name, text(value)])),
    headers: Object.entries(headers).map(([name, value]) => [name, text(value)]),
  };
}
