/**
 * The part of the storage suite about what the broker refused, what a person decides about it, and what is kept of
 * events that have left the outbox.
 *
 * Asks for the order of one key, and that no decision is taken twice.
 */
import assert from 'node:assert/strict';
import type { ArchivedRow, Lease, Storage } from '@exactly-once/core';
import type { It } from './concurrency-conformance.js';
import { committed, event } from './conformance-records.js';

const tooLarge = 'MESSAGE_TOO_LARGE';
const decision = { by: 'ada', why: 'a test\u0000order' };

interface Published {
  readonly id: string;
  readonly key?: string | null;
  readonly topic?: string;
}

export function describeDecisions(it: It, storage: () => Storage): void {
  describeDeadRows(it, storage);
  describeArchive(it, storage);
}

/** Publishes, and refuses the events with these ids. */
async function refused(storage: Storage, events: readonly Published[], ids: readonly string[]) {
  await committed(storage, async ({ outgoing }) => {
    for (const { id, key = 'k', topic = 'topic' } of events) {
      outgoing.push({ event: { ...event(id), key, topic }, deliverAtMs: null });
    }
  });
  const lease = (await storage.leases.acquire(0, 'relay', 60_000))!;
  const positions = new Map<string, bigint>();
  for (const row of (await storage.outbox.claim(lease, 100)).rows) positions.set(row.event.id, row.position);
  for (const id of ids) await storage.outbox.refuse(lease, positions.get(id)!, tooLarge);
  return { lease, at: (...names: string[]) => names.map((id) => positions.get(id)!) };
}

function describeDeadRows(it: It, storage: () => Storage): void {
  const claimed = async (lease: Lease) =>
    (await storage().outbox.claim(lease, 100)).rows.map((row) => row.event.id);

  it('names what the broker refused, why, and how many wait behind it', async () => {
    const { at } = await refused(
      storage(),
      [
        { id: 'before' },
        { id: 'dead' },
        { id: '1' },
        { id: '2' },
        { id: 'other key', key: 'j' },
        { id: 'other topic', topic: 'elsewhere' },
        { id: 'keyless dead', key: null },
        { id: 'keyless', key: null },
      ],
      ['dead', 'keyless dead'],
    );

    const [first, second, ...others] = await storage().outbox.dead.list(10);

    const { createdAtMs, ...row } = first!;
    const names = { topic: 'topic', key: 'k', type: 't', source: 's', id: 'dead' };
    assert.deepEqual(row, { position: at('dead')[0], ...names, reason: tooLarge, waiting: 2 });
    assert.ok(Number.isSafeInteger(createdAtMs));
    assert.deepEqual([second?.id, second?.key, second?.waiting, others], ['keyless dead', null, 0, []]);
    assert.deepEqual(
      (await storage().outbox.dead.list(1)).map(({ id }) => id),
      ['dead'],
    );
    assert.deepEqual(
      (await storage().outbox.dead.list(9, at('dead')[0])).map(({ id }) => id),
      ['keyless dead'],
    );
  });

  it('sends a dead event again in its old place, once for several who ask for it', async () => {
    const { lease, at } = await refused(storage(), [{ id: '1' }, { id: 'dead' }, { id: '2' }], ['dead']);
    const { dead } = storage().outbox;

    const answers = await Promise.all([dead.retry(at('dead', '2')), dead.retry(at('2', 'dead'))]);

    assert.deepEqual(answers.flat(), at('dead'));
    assert.deepEqual(await claimed(lease), ['1', 'dead', '2']);
    assert.deepEqual(await dead.list(10), []);
    assert.deepEqual(await dead.retry([...at('1', '2'), 1_000_000n]), []);
  });

  it('lets one decision win where a retry and a discard meet', async () => {
    const ids = Array.from({ length: 20 }, (_, number) => `${number}`);
    const { lease, at } = await refused(
      storage(),
      ids.map((id) => ({ id, key: id })),
      ids,
    );
    const { dead, archive } = storage().outbox;

    const [retried, discarded] = await Promise.all([
      dead.retry(at(...ids)),
      dead.discard(at(...ids.toReversed()), decision),
    ]);

    assert.equal(retried.length + discarded.length, ids.length);
    assert.equal((await claimed(lease)).length, retried.length);
    assert.equal((await archive.list(100)).length, discarded.length);
  });

  it('keeps a discarded event with its reason and with who decided, and goes on with its key', async () => {
    const { lease, at } = await refused(storage(), [{ id: 'dead' }, { id: '2' }], ['dead']);
    const { dead, archive } = storage().outbox;

    const first = await dead.discard(at('dead', '2'), decision);
    const again = await dead.discard(at('dead'), { by: 'bob', why: 'late' });

    assert.deepEqual([first, again], [at('dead'), []]);
    assert.deepEqual(await claimed(lease), ['2']);
    const [{ createdAtMs, settledAtMs, ...row }, ...others] = (await archive.list(10)) as [ArchivedRow];
    const names = { topic: 'topic', key: 'k', type: 't', source: 's', id: 'dead' };
    assert.deepEqual(
      { ...row, decidedWhy: row.decidedWhy?.replace('\u0000', '\\u0000') },
      {
        ...{ position: at('dead')[0], ...names, state: 'discarded', keepUntilMs: null },
        ...{ reason: tooLarge, decidedBy: 'ada', decidedWhy: 'a test\\u0000order' },
      },
    );
    assert.ok(createdAtMs <= settledAtMs);
    assert.deepEqual(others, []);
    assert.equal(await archive.deleteExpired(10), 0);
  });
}

function describeArchive(it: It, storage: () => Storage): void {
  it('deletes what was sent, or keeps it for as long as it is told', async () => {
    const { lease, at } = await refused(storage(), [{ id: '1' }, { id: '2' }, { id: '3' }], []);
    const { outbox } = storage();

    await outbox.settle(lease, at('1'));
    await outbox.settle(lease, at('2'), 3_600_000);
    await outbox.settle(lease, at('2'), 3_600_000);

    const [kept, ...others] = await outbox.archive.list(10);
    assert.deepEqual([kept?.id, kept?.state, kept?.reason, kept?.decidedBy], ['2', 'sent', null, null]);
    const wholeMs = Math.round((kept!.keepUntilMs! - kept!.settledAtMs) / 1_000) * 1_000;
    assert.deepEqual([wholeMs, others], [3_600_000, []]);
    assert.equal(await outbox.archive.deleteExpired(10), 0);
    assert.deepEqual(await outbox.depth().then(({ pending, dead }) => [pending, dead]), [1, 0]);
  });

  it('forgets what was kept long enough, step by step', async () => {
    const { lease, at } = await refused(storage(), [{ id: '1' }, { id: '2' }, { id: '3' }], []);
    const { outbox } = storage();
    await outbox.settle(lease, at('1', '2'), 1);
    await outbox.settle(lease, at('3'), 3_600_000);

    for (let left = 2; left > 0; ) {
      const deleted = await outbox.archive.deleteExpired(1);
      assert.ok(deleted <= 1);
      left -= deleted;
      await new Promise((resolve) => setTimeout(resolve, 1));
    }

    assert.equal(await outbox.archive.deleteExpired(10), 0);
    assert.deepEqual(
      (await outbox.archive.list(10)).map(({ id }) => id),
      ['3'],
    );
  });

  it('deletes what was sent without a relay, and nothing while a relay holds a lease', async () => {
    const { lease } = await refused(
      storage(),
      [{ id: 'dead' }, { id: '1' }, { id: '2' }, { id: '3' }],
      ['dead'],
    );
    const { outbox, leases } = storage();
    await new Promise((resolve) => setTimeout(resolve, 5));

    const beside = await outbox.deleteUnrelayed(1, 10);
    await leases.release(lease);
    const young = await outbox.deleteUnrelayed(3_600_000, 10);
    const old = [await outbox.deleteUnrelayed(1, 2), await outbox.deleteUnrelayed(1, 2)];

    assert.deepEqual([beside, young, old], [0, 0, [2, 1]]);
    assert.deepEqual(
      (await outbox.dead.list(10)).map(({ id }) => id),
      ['dead'],
    );
  });

  it('archives nothing for who no longer holds the lease, and nothing that is dead', async () => {
    const { lease, at } = await refused(storage(), [{ id: '1' }, { id: 'dead' }], ['dead']);
    const { outbox, leases } = storage();

    await outbox.settle(lease, at('dead'), 3_600_000);
    await leases.release(lease);
    await leases.acquire(0, 'other', 60_000);
    await assert.rejects(outbox.settle(lease, at('1'), 3_600_000));

    assert.deepEqual(await outbox.archive.list(10), []);
    assert.deepEqual(await outbox.depth().then(({ pending, dead }) => [pending, dead]), [1, 1]);
  });
}
