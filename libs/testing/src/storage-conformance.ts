/**
 * What every storage must do, as tests for jest or vitest. Each says one guarantee of the ports in core.
 *
 * Knows no adapter: what it is given is opened, empty, and closed again.
 */
import assert from 'node:assert/strict';
import { hasCode, type Storage } from '@exactly-once/core';
import { describeConcurrency, type It } from './concurrency-conformance.js';
import { committed, event, options, record } from './conformance-records.js';
import { describeHandlers } from './handler-conformance.js';

export interface StorageUnderTest {
  /** Opened, empty. */
  readonly storage: Storage;
  close(): Promise<void>;
}

/** What a storage can do that others cannot; the suite asks for what is declared, either way. */
export interface StorageFeatures {
  /** Two transactions can be open at once. False: the second one begins when the first has ended. Default true. */
  readonly concurrentTransactions?: boolean;
}

export interface TestFramework {
  describe(title: string, body: () => void): void;
  readonly it: It;
  beforeEach(body: () => Promise<void>): void;
  afterEach(body: () => Promise<void>): void;
}

const fence = { group: 'g', topic: 't', partition: 0 };

export function describeStorage(
  name: string,
  { describe, it, beforeEach, afterEach }: TestFramework,
  open: () => Promise<StorageUnderTest>,
  { concurrentTransactions = true }: StorageFeatures = {},
): void {
  describe(`storage ${name}`, () => {
    let under: StorageUnderTest;
    let storage: Storage;

    beforeEach(async () => {
      under = await open();
      storage = under.storage;
    });
    afterEach(() => under.close());

    describeAdmission(it, () => storage);
    describeConcurrency(it, () => storage, concurrentTransactions);
    describeUndoing(it, () => storage);
    describeFences(it, () => storage);
    describeRelay(it, () => storage);
    describeOutbox(it, () => storage);
    describeHandlers(it, () => storage);
  });
}

function describeAdmission(it: It, storage: () => Storage): void {
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

function describeFences(it: It, storage: () => Storage): void {
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

function describeRelay(it: It, storage: () => Storage): void {
  it('hands out events in order, to the holder of the lease alone', async () => {
    await committed(storage(), async ({ outgoing }) => {
      for (const id of ['1', '2', '3']) outgoing.push({ event: event(id), deliverAtMs: null });
    });
    const lease = await storage().leases.acquire(0, 'relay', 60_000);
    const rows = await storage().outbox.claim(lease!, 2);
    await storage().outbox.settle(
      lease!,
      rows.map(({ position }) => position),
    );

    assert.deepEqual(
      rows.map((row) => row.event.id),
      ['1', '2'],
    );
    assert.equal(await storage().leases.acquire(0, 'other', 60_000), null);
    assert.deepEqual(
      (await storage().outbox.claim(lease!, 9)).map((row) => row.event.id),
      ['3'],
    );
    await assert.rejects(storage().outbox.claim({ ...lease!, epoch: 99n }, 1), (error) =>
      hasCode(error, 'EO_LEASE_LOST'),
    );
  });

  it('refuses a relay whose lease another has taken', async () => {
    await committed(storage(), async ({ outgoing }) => {
      outgoing.push({ event: event('1'), deliverAtMs: null });
    });
    const old = await storage().leases.acquire(0, 'old', 60_000);
    const rows = await storage().outbox.claim(old!, 1);
    await storage().leases.release(old!);
    const young = await storage().leases.acquire(0, 'young', 60_000);
    const settling = storage().outbox.settle(
      old!,
      rows.map(({ position }) => position),
    );

    await assert.rejects(settling, (error) => hasCode(error, 'EO_LEASE_LOST'));
    assert.ok(young!.epoch > old!.epoch);
    assert.equal((await storage().outbox.depth()).pending, 1);
  });
}

function describeOutbox(it: It, storage: () => Storage): void {
  it('publishes nothing of a transaction that rolled back', async () => {
    const transaction = await storage().begin(options);
    transaction.outgoing.push({ event: event('1'), deliverAtMs: null });
    await transaction.seal();
    await transaction.rollback();

    assert.equal((await storage().outbox.depth()).pending, 0);
  });

  it('hands out no more bytes at once than it is asked for, and one event in any case', async () => {
    const large = (id: string) => ({ ...event(id), body: Buffer.alloc(400) });
    await committed(storage(), async ({ outgoing }) => {
      for (const id of ['1', '2', '3']) outgoing.push({ event: large(id), deliverAtMs: null });
    });
    const lease = await storage().leases.acquire(0, 'relay', 60_000);
    const claimed = async (maxBytes: number) =>
      (await storage().outbox.claim(lease!, 10, { maxBytes })).map((row) => row.event.id);

    assert.deepEqual(await claimed(1_000), ['1', '2']);
    assert.deepEqual(await claimed(1), ['1']);
    assert.deepEqual(await claimed(10_000), ['1', '2', '3']);
  });

  it('leaves topics that it is told to leave', async () => {
    const on = (topic: string, id: string) => ({ event: { ...event(id), topic }, deliverAtMs: null });
    await committed(storage(), async ({ outgoing }) => {
      outgoing.push(on('closed', '1'), on('open', '2'), on("'; --", '3'));
    });
    const lease = await storage().leases.acquire(0, 'relay', 60_000);
    const claimed = async (...exceptTopics: string[]) =>
      (await storage().outbox.claim(lease!, 2, { exceptTopics })).map((row) => row.event.id);

    assert.deepEqual(await claimed(), ['1', '2']);
    assert.deepEqual(await claimed('closed'), ['2', '3']);
    assert.deepEqual(await claimed('closed', "'; --"), ['2']);
  });

  it('gives events back as they were, whatever they are called', async () => {
    const headers = Object.assign(Object.create(null), {
      "'; DROP TABLE eo_outbox; --": 'ü\u0000',
      __proto__x: 'y',
    });
    const hostile = { ...event("id\u0000'; --"), key: 'k\u0000é', headers };
    await committed(storage(), async ({ outgoing }) => {
      outgoing.push({ event: hostile, deliverAtMs: null });
    });

    const lease = await storage().leases.acquire(0, 'relay', 60_000);
    const [row] = await storage().outbox.claim(lease!, 1);

    assert.deepEqual(
      { ...row!.event, body: Buffer.from(row!.event.body!) },
      { ...hostile, body: Buffer.from('{}') },
    );
  });
}
