/**
 * The part of the storage suite about events that wait: parked keys, their order and who retries them.
 *
 * One transaction at a time; what several do at once is asked for beside it.
 */
import assert from 'node:assert/strict';
import type { ParkedEntry, ParkedEvent, Storage, Transaction } from '@exactly-once/core';
import type { It } from './concurrency-conformance.js';
import { committed, options } from './conformance-records.js';
import { describeParkingBeside, dueMs, event, nameOf } from './parking-beside-conformance.js';

const fence = { group: 'g', topic: 't', partition: 0 };
const unmarked = { owners: [], atMs: null };

export function describeParking(it: It, storage: () => Storage, concurrentTransactions: boolean): void {
  const park = (...events: ParkedEvent[]) =>
    committed(storage(), async (transaction) => {
      for (const event of events) await storage().parked.park(transaction, event);
    });
  const parked = (...events: ParkedEvent[]) =>
    committed(storage(), (transaction) => storage().parked.parked(transaction, events));
  const takeOne = (event: ParkedEvent) =>
    committed(storage(), async (transaction) => {
      const entry = await storage().parked.take(transaction, event);
      if (entry === null || entry === 'busy' || entry === 'empty') return entry;
      await storage().parked.settle(transaction, entry, dueMs);
      return nameOf(entry);
    });
  const release = (event: ParkedEvent) =>
    committed(storage(), (transaction) => storage().parked.release(transaction, event));
  const change = (
    event: ParkedEvent,
    work: (transaction: Transaction, entry: ParkedEntry) => Promise<void>,
  ) =>
    committed(storage(), async (transaction) => {
      const entry = await storage().parked.take(transaction, event);
      if (entry === null || entry === 'busy' || entry === 'empty') throw new Error(`it is ${entry}`);
      await work(transaction, entry);
    });
  const first = async (event: ParkedEvent) => {
    const transaction = await storage().begin(options);
    const entry = await storage().parked.take(transaction, event);
    await transaction.rollback();
    return entry;
  };
  const upcoming = async (handlerIds = [1], limit = 9) =>
    (await storage().parked.upcoming(handlerIds, limit)).map(
      ({ keyHash, atMs }) => `${Buffer.from(keyHash).toString().trim()} ${atMs}`,
    );

  it('keeps who gave the first event of a key up, and makes it due', async () => {
    const decision = { by: 'ada', why: 'x' };
    await park(event('1', 'k'), event('2', 'k'));
    const before = await upcoming();

    const given = await storage().parked.giveUp(event('', 'k'), decision);
    const none = await storage().parked.giveUp(event('', 'none'), decision);
    const entry = await first(event('', 'k'));
    const due = await upcoming();
    await takeOne(event('', 'k'));
    const second = await first(event('', 'k'));

    assert.deepEqual([before, given, none, due.length], [[], true, false, 1]);
    assert.deepEqual((entry as ParkedEntry).givenUp, decision);
    assert.equal((second as ParkedEntry).givenUp, null);
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
    assert.equal(await storage().parked.count({ handlers: ['nobody'] }), 0);
    assert.equal(await storage().parked.count({ beforeMs: event('x', 'k').firstAttemptAtMs }), 0);
    assert.equal(await storage().parked.count({ beforeMs: event('x', 'k').firstAttemptAtMs + 1 }), 3);
    assert.deepEqual([await takeOne(event('', 'k')), await takeOne(event('', 'k'))], ['1', '2']);
    assert.equal(await takeOne(event('', 'k')), 'empty');
    assert.deepEqual(await parked(event('', 'k')), [true]);
    assert.deepEqual([await release(event('', 'k')), await release(event('', 'other'))], [true, false]);
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

    assert.ok(entry !== null && entry !== 'busy' && entry !== 'empty');
    const { position: _, begun, givenUp, ...given } = entry;
    assert.deepEqual([begun, givenUp], [unmarked, null]);
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
    await storage().parked.settle(kept, entry as ParkedEntry, dueMs);
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
    await release({ ...event('', 'k'), topic: 'of another' });
    await move(2n, 'after');

    assert.deepEqual(seen, ['while']);
  });

  it('says of whose handlers what is to be tried again, earliest first, and only of the first of a key', async () => {
    await park(
      { ...event('1', 'late'), nextAttemptAtMs: dueMs + 2 },
      { ...event('2', 'late'), nextAttemptAtMs: dueMs },
      { ...event('3', 'soon'), nextAttemptAtMs: dueMs + 1 },
      event('4', 'a person’s'),
      { ...event('5', 'not ours'), handlerId: 2, nextAttemptAtMs: dueMs },
    );

    assert.deepEqual(await upcoming(), [`soon ${dueMs + 1}`, `late ${dueMs + 2}`]);
    assert.deepEqual(await upcoming([1, 2], 1), [`not ours ${dueMs}`]);
    assert.deepEqual(await upcoming([]), []);
  });

  it('leaves an event that failed again where it is, with what was learnt of it', async () => {
    await park(event('1', 'k'), event('2', 'k'));
    await change(event('', 'k'), (transaction, entry) =>
      storage().parked.mark(transaction, entry, 'a', dueMs),
    );
    const marked = (await first(event('', 'k'))) as ParkedEntry;
    const failure = {
      ...{ code: 'EO_HANDLER_FAILED', errorChain: ['not\u0000yet'], attempts: 7, deaths: 0 },
      nextAttemptAtMs: dueMs,
    };
    await change(event('', 'k'), (transaction, entry) =>
      storage().parked.postpone(transaction, entry, failure),
    );

    const { errorChain, ...postponed } = (await first(event('', 'k'))) as ParkedEntry;
    assert.deepEqual(marked.begun, { owners: ['a'], atMs: dueMs });
    assert.match(errorChain[0]!, /^not.+yet$/s);
    assert.deepEqual(
      { ...failure, errorChain: null, name: '1', begun: unmarked },
      { ...pick(postponed), errorChain: null, name: nameOf(postponed), begun: postponed.begun },
    );
    assert.deepEqual(await upcoming(), [`k ${dueMs}`]);
  });

  it('remembers who began a retry, each once, until they take it back', async () => {
    const mark = (owner: string, atMs: number) =>
      change(event('', 'k'), (transaction, entry) => storage().parked.mark(transaction, entry, owner, atMs));
    const unmark = (owner: string) =>
      committed(storage(), (transaction) => storage().parked.unmark(transaction, event('', 'k'), owner));
    await park(event('1', 'k'), event('2', 'k'));
    for (const [index, owner] of ['a', 'b', 'c', 'a'].entries()) await mark(owner, dueMs + index);
    await unmark('c');
    await unmark('nobody');
    const { begun } = (await first(event('', 'k'))) as ParkedEntry;
    await takeOne(event('', 'k'));
    const next = (await first(event('', 'k'))) as ParkedEntry;
    await committed(storage(), (transaction) => storage().parked.unmark(transaction, event('', 'gone'), 'a'));

    assert.deepEqual(begun, { owners: ['b', 'a'], atMs: dueMs + 3 });
    assert.deepEqual(next.begun, { owners: ['a'], atMs: dueMs });
  });

  it('makes the next of a key due, unless that waits for a person, and the key where none is left', async () => {
    await park({ ...event('1', 'k'), deaths: 0 }, { ...event('2', 'k'), deaths: 0 }, event('3', 'k'));

    await takeOne(event('', 'k'));
    const second = await upcoming();
    await takeOne(event('', 'k'));
    const third = await upcoming();
    await takeOne(event('', 'k'));
    const empty = await upcoming();
    await park(event('4', 'k'));
    const before = (await first(event('', 'k'))) as ParkedEntry;
    await change(event('', 'k'), (transaction, entry) =>
      storage().parked.postpone(transaction, entry, entry),
    );

    assert.deepEqual([second, third, empty], [[`k ${dueMs}`], [], [`k ${dueMs}`]]);
    assert.deepEqual([nameOf(before), await upcoming()], ['4', []]);
  });

  it('takes back what was settled, marked, postponed or released in a transaction that is undone', async () => {
    await park({ ...event('1', 'k'), nextAttemptAtMs: dueMs }, { ...event('2', 'k'), deaths: 0 });
    const undone = async (work: (transaction: Transaction, entry: ParkedEntry) => Promise<unknown>) => {
      const transaction = await storage().begin(options);
      const entry = await storage().parked.take(transaction, event('', 'k'));
      await work(transaction, entry as ParkedEntry);
      await transaction.rollback();
    };
    await undone((transaction, entry) => storage().parked.settle(transaction, entry, 1));
    await undone((transaction, entry) => storage().parked.mark(transaction, entry, 'a', dueMs));
    await undone((transaction, entry) =>
      storage().parked.postpone(transaction, entry, { ...entry, nextAttemptAtMs: 1 }),
    );
    const kept = (await first(event('', 'k'))) as ParkedEntry;
    const times = await upcoming();
    await takeOne(event('', 'k'));
    await takeOne(event('', 'k'));
    await undone((transaction) => storage().parked.release(transaction, event('', 'k')));

    assert.deepEqual([nameOf(kept), kept.begun, times], ['1', unmarked, [`k ${dueMs}`]]);
    assert.equal(await takeOne(event('', 'k')), 'empty');
  });

  if (concurrentTransactions) describeParkingBeside(it, storage);
}

function pick({ code, attempts, deaths, nextAttemptAtMs }: Omit<ParkedEvent, 'errorChain'>) {
  return { code, attempts, deaths, nextAttemptAtMs };
}

/** Bytes of whatever class as text, to be compared. */
function plain({ headers, ...event }: ParkedEvent): unknown {
  const text = (value: unknown) => (value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value);
  return {
    ...Object.fromEntries(Object.entries(event).map(([name, value]) => [name, text(value)])),
    headers: Object.entries(headers).map(([name, value]) => [name, text(value)]),
  };
}
