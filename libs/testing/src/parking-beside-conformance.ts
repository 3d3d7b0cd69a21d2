/**
 * The part of the storage suite about parked keys that several transactions use at the same time, and the records that
 * suites of parking share.
 */
import assert from 'node:assert/strict';
import type { ParkedEntry, ParkedEvent, Storage, Transaction } from '@exactly-once/core';
import type { It } from './concurrency-conformance.js';
import { committed, options } from './conformance-records.js';

/** Milliseconds since the epoch. */
export const dueMs = 1_700_000_100_000;

/** With more than one transaction at a time. */
export function describeParkingBeside(it: It, storage: () => Storage): void {
  const one = event('1', 'k');
  const park = (parked: ParkedEvent) =>
    committed(storage(), (transaction) => storage().parked.park(transaction, parked));
  const end = async (transaction: Transaction) => {
    await transaction.seal();
    await transaction.commit();
  };
  const taken = async (transaction: Transaction) => {
    const entry = await storage().parked.take(transaction, one);
    return entry === null || typeof entry === 'string' ? entry : nameOf(entry);
  };

  it('lets others append while one is taken out, and nobody else take', async () => {
    await park(one);
    const taking = await storage().begin(options);
    const first = await storage().parked.take(taking, one);
    const [appending, other] = [await storage().begin(options), await storage().begin(options)];
    const known = await storage().parked.parked(appending, [one]);
    const beside = await taken(other);
    await other.rollback();
    await storage().parked.park(appending, event('2', 'k'));
    await storage().parked.settle(taking, first as ParkedEntry, dueMs);
    await end(taking);
    const between = await committed(storage(), (transaction) => taken(transaction));
    await end(appending);

    assert.deepEqual([known, beside, between], [[true], 'busy', 'empty']);
    assert.equal(await committed(storage(), (transaction) => taken(transaction)), '2');
    assert.equal((await storage().parked.upcoming([1], 9)).length, 1);
  });

  it('does not see what another has parked before that has committed', async () => {
    const parking = await storage().begin(options);
    await storage().parked.park(parking, { ...one, nextAttemptAtMs: dueMs });
    const none = await committed(storage(), (transaction) => taken(transaction));
    const upcoming = await storage().parked.upcoming([1], 9);
    await end(parking);

    assert.deepEqual([none, upcoming], [null, []]);
    assert.equal(await committed(storage(), (transaction) => taken(transaction)), '1');
  });

  it('releases no key to which somebody appends, and lets who appends wait for who releases', async () => {
    await park(one);
    const release = () => committed(storage(), (transaction) => storage().parked.release(transaction, one));
    const settle = () =>
      committed(storage(), async (transaction) => {
        const entry = await storage().parked.take(transaction, one);
        await storage().parked.settle(transaction, entry as ParkedEntry, dueMs);
      });
    await settle();
    const appending = await storage().begin(options);
    await storage().parked.parked(appending, [one]);
    const releasing = release();
    await storage().parked.park(appending, event('2', 'k'));
    await end(appending);
    const inVain = await releasing;
    await settle();
    const holding = await storage().begin(options);
    const free = await storage().parked.release(holding, one);
    const asking = committed(storage(), (transaction) => storage().parked.parked(transaction, [one]));
    await end(holding);

    assert.deepEqual([inVain, free, await asking], [false, true, [false]]);
    assert.equal(await storage().parked.count(), 0);
  });
}

export function nameOf({ inboxKey }: Pick<ParkedEvent, 'inboxKey'>): string {
  return Buffer.from(inboxKey).toString().trim();
}

export function event(name: string, key: string): ParkedEvent {
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
    nextAttemptAtMs: null,
  };
}
