/**
 * The part of the storage suite about what a relay asks of it: its leases, the shards that it shares with others, and the
 * rows that it may send.
 *
 * Nothing is settled without the lease, and nothing of an open transaction is handed out.
 */
import assert from 'node:assert/strict';
import { type ClaimBounds, hasCode, type Storage } from '@exactly-once/core';
import type { It } from './concurrency-conformance.js';
import { committed, event, options } from './conformance-records.js';

export function describeRelaying(it: It, storage: () => Storage, concurrentTransactions: boolean): void {
  describeLeases(it, storage);
  describeBeats(it, storage);
  describeOutbox(it, storage);
  describeClaims(it, storage);
  if (concurrentTransactions) describeWriters(it, storage);
}

function describeLeases(it: It, storage: () => Storage): void {
  it('hands out events in order, to the holder of the lease alone', async () => {
    await committed(storage(), async ({ outgoing }) => {
      for (const id of ['1', '2', '3']) outgoing.push({ event: event(id), deliverAtMs: null });
    });
    const lease = await storage().leases.acquire(0, 'relay', 60_000);
    const { rows } = await storage().outbox.claim(lease!, 2);
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
      (await storage().outbox.claim(lease!, 9)).rows.map((row) => row.event.id),
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
    const { rows } = await storage().outbox.claim(old!, 1);
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
      (await storage().outbox.claim(lease!, 10, { maxBytes })).rows.map((row) => row.event.id);

    assert.deepEqual(await claimed(1_600), ['1', '2']);
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
      (await storage().outbox.claim(lease!, 2, { exceptTopics })).rows.map((row) => row.event.id);

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
    const [row] = (await storage().outbox.claim(lease!, 1)).rows;

    assert.deepEqual(
      { ...row!.event, body: Buffer.from(row!.event.body!) },
      { ...hostile, body: Buffer.from('{}') },
    );
  });
}

function describeClaims(it: It, storage: () => Storage): void {
  it('leaves what is under way, and what stands before where it is told to begin, but nothing that was delayed', async () => {
    await committed(storage(), async ({ outgoing }) => {
      outgoing.push({ event: event('delayed'), deliverAtMs: 1 });
      for (const id of ['1', '2', '3']) outgoing.push({ event: event(id), deliverAtMs: null });
    });
    const lease = await storage().leases.acquire(0, 'relay', 60_000);
    const all = (await storage().outbox.claim(lease!, 10)).rows;
    const claimed = async (bounds: ClaimBounds) =>
      (await storage().outbox.claim(lease!, 10, bounds)).rows.map((row) => row.event.id);

    assert.deepEqual(await claimed({ exceptPositions: [all[1]!.position] }), ['delayed', '2', '3']);
    assert.deepEqual(await claimed({ from: all[2]!.position }), ['delayed', '2', '3']);
    assert.deepEqual(await claimed({ from: all[2]!.position, exceptPositions: [all[2]!.position] }), [
      'delayed',
      '3',
    ]);
  });

  it('leaves what stands behind a dead one of its topic and key, and says where that is', async () => {
    const row = (id: string, key: string | null, topic = 'topic') => ({
      event: { ...event(id), key, topic },
      deliverAtMs: null,
    });
    await committed(storage(), async ({ outgoing }) => {
      outgoing.push(row('before', 'k'), row('dead', 'k'), row('behind', 'k'), row('other key', 'j'));
      outgoing.push(row('other topic', 'k', 'elsewhere'), row('keyless dead', null), row('keyless', null));
    });
    const lease = await storage().leases.acquire(0, 'relay', 60_000);
    const first = await storage().outbox.claim(lease!, 10);
    const at = (id: string) => first.rows.find((one) => one.event.id === id)!.position;
    for (const id of ['dead', 'keyless dead']) await storage().outbox.refuse(lease!, at(id), 'too large');

    const second = await storage().outbox.claim(lease!, 10);

    assert.deepEqual(
      second.rows.map((one) => one.event.id),
      ['before', 'other key', 'other topic', 'keyless'],
    );
    assert.deepEqual([first.dead.first, second.dead.first], [null, at('dead')]);
  });

  it('tells another version of the dead rows once one has died, or was decided on', async () => {
    await committed(storage(), async ({ outgoing }) => {
      for (const id of ['1', '2', '3']) outgoing.push({ event: event(id), deliverAtMs: null });
    });
    const { outbox, leases } = storage();
    const lease = (await leases.acquire(0, 'relay', 60_000))!;
    const claim = async () => (await outbox.claim(lease, 10)).dead;
    const { rows, dead: none } = await outbox.claim(lease, 10);
    for (const { position } of rows) await outbox.refuse(lease, position, 'too large');
    const [three, again] = [await claim(), await claim()];
    await outbox.dead.retry([rows[1]!.position]);
    const two = await claim();

    assert.deepEqual(three, again);
    assert.equal(new Set([none, three, two].map(({ version }) => version)).size, 3);
    assert.equal(two.first, rows[0]!.position);
  });

  it('says in which shards something is due', async () => {
    const shard = { shard: 0, from: 0n };
    assert.deepEqual(await storage().outbox.due([shard]), []);
    await committed(storage(), async ({ outgoing }) => {
      outgoing.push({ event: event('1'), deliverAtMs: null });
    });
    const lease = await storage().leases.acquire(0, 'relay', 60_000);
    const [row] = (await storage().outbox.claim(lease!, 1)).rows;

    assert.deepEqual(await storage().outbox.due([shard, { shard: 7, from: 0n }]), [0]);
    assert.deepEqual(await storage().outbox.due([{ shard: 0, from: row!.position + 1n }]), []);
  });
}

function describeWriters(it: It, storage: () => Storage): void {
  it('names transactions that have published and are open, and tells what was to be seen earlier', async () => {
    await committed(storage(), async ({ outgoing }) => {
      outgoing.push({ event: event('first'), deliverAtMs: null });
    });
    const open = await storage().begin(options);
    open.outgoing.push({ event: event('open'), deliverAtMs: null });
    await open.seal();
    const lease = await storage().leases.acquire(0, 'relay', 60_000);

    const during = await storage().outbox.claim(lease!, 10);
    await open.commit();
    const after = await storage().outbox.claim(lease!, 10, { snapshot: during.snapshot });

    assert.deepEqual([during.writers.length, after.writers.length], [1, 0]);
    assert.notEqual(during.snapshot, after.snapshot);
    const known = after.rows.map((row) => [row.event.id, row.known]);
    assert.deepEqual(known, [
      ['first', true],
      ['open', false],
    ]);
  });
}

function describeBeats(it: It, storage: () => Storage): void {
  it('counts the relays that live, by age, and says what each holds and what is free', async () => {
    const { leases } = storage();
    const first = await leases.beat('z first', 60_000, []);
    const lease = await leases.acquire(0, 'z first', 60_000);
    const second = await leases.beat('a second', 60_000, []);
    const again = await leases.beat('z first', 60_000, [lease!]);

    const view = ({ relays, rank, held, free, shardCount }: typeof first) => ({
      ...{ relays, rank, held, free, shardCount },
    });
    assert.deepEqual(view(first), { relays: 1, rank: 0, held: [], free: [0], shardCount: 1 });
    assert.deepEqual(view(second), { relays: 2, rank: 1, held: [], free: [], shardCount: 1 });
    assert.deepEqual(view(again), { relays: 2, rank: 0, held: [0], free: [], shardCount: 1 });
    assert.equal(first.nextExpiryMs, null);
    assert.ok(again.nextExpiryMs! > 30_000 && again.nextExpiryMs! <= 60_000);
  });

  it('does not count who has left or was not heard of for too long, and extends no lease that was lost', async () => {
    const { leases } = storage();
    await leases.beat('left', 60_000, []);
    await leases.beat('silent', 0, []);
    const lost = await leases.acquire(0, 'left', 60_000);
    await leases.release(lost!);
    await leases.leave('left');
    await leases.acquire(0, 'successor', 60_000);

    const { relays, held } = await leases.beat('left again', 60_000, [{ ...lost!, owner: 'left again' }]);

    assert.deepEqual([relays, held], [1, []]);
  });

  it('shows who lives and holds what, and what is wanted', async () => {
    const { leases } = storage();
    const before = await leases.overview();
    await leases.beat('one', 60_000, []);
    await leases.beat('two', 60_000, []);
    await leases.beat('silent', 0, []);
    await leases.acquire(0, 'two', 60_000);
    await leases.want(5);
    const { relays, ...counts } = await leases.overview();

    assert.deepEqual(before, { shardCount: 1, wantedShardCount: null, relays: [] });
    assert.deepEqual(counts, { shardCount: 1, wantedShardCount: 5 });
    assert.deepEqual(
      relays.map(({ name, shards }) => [name, shards]),
      [
        ['one', []],
        ['two', [0]],
      ],
    );
    assert.ok(relays[0]!.sinceMs <= relays[1]!.sinceMs && relays[0]!.sinceMs > 1e12);
  });

  it('splits the outbox anew for nobody while no other count is wanted', async () => {
    const { leases } = storage();
    await leases.acquire(0, 'relay', 60_000);

    assert.equal(await leases.reshard('relay'), false);
  });

  it('splits the outbox anew for who holds all of it alone', async () => {
    const { leases } = storage();
    await leases.want(3);
    const before = await leases.reshard('relay');
    await leases.acquire(0, 'relay', 60_000);

    const after = await leases.reshard('relay');
    const { shardCount, wantedShardCount, free } = await leases.beat('relay', 60_000, []);

    assert.deepEqual([before, after], [false, true]);
    assert.deepEqual(
      { shardCount, wantedShardCount, free },
      { shardCount: 3, wantedShardCount: null, free: [1, 2] },
    );
  });
}
