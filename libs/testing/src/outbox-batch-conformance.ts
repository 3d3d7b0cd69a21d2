/**
 * The part of the storage suite about batches that a broker is about to commit: what the database has confirmed, and
 * what a next owner finds.
 *
 * One batch of a shard is in doubt at most.
 */
import assert from 'node:assert/strict';
import { hasCode, type Lease, type OutboxBatch, type Storage } from '@exactly-once/core';
import type { It } from './concurrency-conformance.js';
import { committed, event } from './conformance-records.js';

const lost = (error: unknown) => hasCode(error, 'EO_LEASE_LOST');

export function describeOutboxBatches(it: It, storage: () => Storage): void {
  const publish = (...ids: readonly string[]) =>
    committed(storage(), async ({ outgoing }) => {
      for (const id of ids) outgoing.push({ event: event(id), deliverAtMs: null });
    });
  const acquire = async (owner: string) => (await storage().leases.acquire(0, owner, 60_000))!;
  const ids = async (lease: Lease) =>
    (await storage().outbox.claim(lease, 9)).rows.map((row) => row.event.id);
  /** Those rows of what is due, in order of position. */
  const batch = async (lease: Lease, token: bigint, ...indexes: number[]): Promise<OutboxBatch> => {
    const { rows } = await storage().outbox.claim(lease, 9);
    return { token, positions: indexes.map((index) => rows[index]!.position) };
  };

  it('tells a next owner which batch was confirmed last, and settles the one before with it', async () => {
    const large = 4_611_686_018_427_387_903n;
    await publish('1', '2', '3');
    const old = await acquire('old');
    const [first, second] = [await batch(old, 7n, 0), await batch(old, large, 1, 2)];
    await storage().outbox.prepare(old, first, null);
    const afterFirst = [await storage().outbox.inDoubt(old), await ids(old)];
    await storage().outbox.prepare(old, second, first);
    await storage().leases.release(old);

    const young = await acquire('young');

    assert.deepEqual(afterFirst, [[first], ['1', '2', '3']]);
    assert.deepEqual(await storage().outbox.inDoubt(young), [second]);
    assert.deepEqual(await ids(young), ['2', '3']);
  });

  it('records a batch anew that turned out to be smaller', async () => {
    await publish('1', '2');
    const lease = await acquire('relay');
    const [both, one] = [await batch(lease, 7n, 0, 1), await batch(lease, 7n, 1)];
    await storage().outbox.prepare(lease, both, null);
    await storage().outbox.prepare(lease, one, null);

    assert.deepEqual(await storage().outbox.inDoubt(lease), [one]);
  });

  it('concludes a batch by settling what was committed of it, or nothing', async () => {
    await publish('1', '2', '3');
    const lease = await acquire('relay');
    const [sent, aborted] = [await batch(lease, 7n, 0, 1), await batch(lease, 8n, 2)];
    await storage().outbox.prepare(lease, sent, null);
    await storage().outbox.conclude(lease, sent);
    const afterSent = [await storage().outbox.inDoubt(lease), await ids(lease)];
    await storage().outbox.prepare(lease, aborted, null);
    await storage().outbox.conclude(lease, { ...aborted, positions: [] });

    assert.deepEqual(afterSent, [[], ['3']]);
    assert.deepEqual(await storage().outbox.inDoubt(lease), []);
    assert.deepEqual(await ids(lease), ['3']);
  });

  it('archives what it settles, where it is told to', async () => {
    await publish('1', '2', '3');
    const lease = await acquire('relay');
    const [first, second] = [await batch(lease, 7n, 0), await batch(lease, 8n, 1)];
    await storage().outbox.prepare(lease, first, null, 60_000);
    const unsettled = await storage().outbox.archive.list(9);
    await storage().outbox.prepare(lease, second, first, 60_000);
    await storage().outbox.conclude(lease, second, 60_000);

    assert.deepEqual(unsettled, []);
    assert.deepEqual(
      (await storage().outbox.archive.list(9)).map(({ position }) => position),
      [...first.positions, ...second.positions],
    );
    assert.deepEqual(await ids(lease), ['3']);
  });

  it('confirms nothing to a relay whose lease another has taken', async () => {
    await publish('1', '2');
    const old = await acquire('old');
    const [before, present] = [await batch(old, 7n, 0), await batch(old, 8n, 1)];
    await storage().outbox.prepare(old, before, null);
    await storage().leases.release(old);
    const young = await acquire('young');

    await assert.rejects(storage().outbox.prepare(old, present, before), lost);
    await assert.rejects(storage().outbox.conclude(old, before), lost);
    await assert.rejects(storage().outbox.inDoubt(old), lost);

    assert.deepEqual(await storage().outbox.inDoubt(young), [before]);
    assert.deepEqual(await ids(young), ['1', '2']);
  });

  it('confirms nothing once the lease has run out, though nobody has taken it', async () => {
    await publish('1');
    const lease = await acquire('relay');
    const only = await batch(lease, 7n, 0);
    await storage().leases.beat('relay', 0, [lease]);

    await assert.rejects(storage().outbox.prepare(lease, only, null), lost);

    assert.deepEqual(await storage().outbox.inDoubt(await acquire('relay')), []);
  });

  it('lets nobody split the outbox anew while a batch is in doubt', async () => {
    const { leases, outbox } = storage();
    await publish('1');
    const lease = await acquire('relay');
    const only = await batch(lease, 7n, 0);
    await leases.want(3);
    await outbox.prepare(lease, only, null);
    const doubtful = await leases.reshard('relay');
    await outbox.conclude(lease, only);

    assert.deepEqual([doubtful, await leases.reshard('relay')], [false, true]);
  });

  it('has a name of its own, that stays', async () => {
    const name = await storage().outbox.name();

    assert.match(name, /^[0-9a-f-]{36}$/);
    assert.equal(await storage().outbox.name(), name);
  });
}
