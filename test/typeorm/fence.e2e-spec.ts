import type { FenceMove, Storage } from '@exactly-once/core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { begun, StorageWorld, sealAndCommit } from './storage-world.js';

const key = { group: 'payments', topic: 'orders', partition: 3 };
const print = Buffer.from('fingerprint 0001');
const earlier = Buffer.from('fingerprint 0000');

describe('the fence', () => {
  let world: StorageWorld;
  let storage: Storage;

  beforeAll(async () => {
    world = await StorageWorld.open('fence');
    storage = await world.storage();
  });

  afterEach(() => world.clear());
  afterAll(() => world.close());

  async function advance(move: Partial<FenceMove>): Promise<boolean> {
    const transaction = await storage.begin(begun);
    const whole = { key, owner: 'one', expected: 10n, next: 20n, lastFingerprint: print, ...move };
    const held = await storage.fences.advance(transaction, whole);
    if (held) await sealAndCommit(transaction);
    else await transaction.rollback();
    return held;
  }

  it('is made by its first claim, at the position given', async () => {
    const before = await storage.fences.read(key);

    const row = await storage.fences.claim(key, 'one', 10n);

    expect(before).toBeNull();
    expect(row).toEqual({
      nextOffset: 10n,
      owner: 'one',
      clean: true,
      lastFingerprint: null,
      logGeneration: 1,
      suspect: null,
    });
    expect(await storage.fences.read(key)).toEqual({ ...row, clean: false });
  });

  it('keeps its position when another claims it', async () => {
    await storage.fences.claim(key, 'one', 10n);
    await advance({});

    const row = await storage.fences.claim(key, 'two', 999n);

    expect(row).toMatchObject({ nextOffset: 20n, owner: 'two', lastFingerprint: print });
  });

  it('tells the next owner whether the last one left in order', async () => {
    await storage.fences.claim(key, 'one', 0n);
    const afterDeath = await storage.fences.claim(key, 'two', 0n);

    await storage.fences.release(key, 'two');
    const afterRelease = await storage.fences.claim(key, 'three', 0n);

    expect(afterDeath.clean).toBe(false);
    expect(afterRelease.clean).toBe(true);
  });

  it('is not released by somebody else', async () => {
    await storage.fences.claim(key, 'one', 0n);
    await storage.fences.claim(key, 'two', 0n);

    await storage.fences.release(key, 'one');

    expect((await storage.fences.read(key))?.clean).toBe(false);
  });

  it('moves only for its owner and only from where it stands', async () => {
    await storage.fences.claim(key, 'one', 10n);

    const moves = [
      await advance({ owner: 'two' }),
      await advance({ expected: 11n }),
      await advance({ key: { ...key, partition: 4 } }),
      await advance({}),
      await advance({}),
    ];

    expect(moves).toEqual([false, false, false, true, false]);
    expect((await storage.fences.read(key))?.nextOffset).toBe(20n);
  });

  it('moves back with the batch that is rolled back', async () => {
    await storage.fences.claim(key, 'one', 10n);
    const transaction = await storage.begin(begun);
    const move = { key, owner: 'one', expected: 10n, next: 20n, lastFingerprint: print };
    await storage.fences.advance(transaction, move);

    await transaction.rollback();

    expect(await storage.fences.read(key)).toMatchObject({ nextOffset: 10n, lastFingerprint: null });
  });

  it('moves twice in one batch, and carries the fingerprint that belongs to where it ends', async () => {
    await storage.fences.claim(key, 'one', 10n);
    const transaction = await storage.begin(begun);
    const move = { key, owner: 'one', expected: 10n, next: 20n, lastFingerprint: print };

    const first = await storage.fences.advance(transaction, move);
    const second = await storage.fences.advance(transaction, {
      ...move,
      expected: 20n,
      next: 15n,
      lastFingerprint: earlier,
    });
    await sealAndCommit(transaction);

    expect([first, second]).toEqual([true, true]);
    expect(await storage.fences.read(key)).toMatchObject({ nextOffset: 15n, lastFingerprint: earlier });
  });

  it('forgets the fingerprint where none is known', async () => {
    await storage.fences.claim(key, 'one', 10n);
    await advance({});

    await advance({ expected: 20n, next: 30n, lastFingerprint: null });

    expect(await storage.fences.read(key)).toMatchObject({ nextOffset: 30n, lastFingerprint: null });
  });

  it('holds offsets beyond what a number can', async () => {
    const offset = 9_007_199_254_740_993n;

    await storage.fences.claim(key, 'one', offset);

    expect((await storage.fences.read(key))?.nextOffset).toBe(offset);
  });

  it('makes a claim wait for the batch that is under way, and lets nothing in between be lost', async () => {
    await storage.fences.claim(key, 'one', 10n);
    const batch = await storage.begin(begun);
    await storage.fences.advance(batch, {
      key,
      owner: 'one',
      expected: 10n,
      next: 20n,
      lastFingerprint: print,
    });

    const claiming = storage.fences.claim(key, 'two', 0n);
    await world.somebodyWaits();
    await sealAndCommit(batch);

    expect(await claiming).toMatchObject({ nextOffset: 20n, owner: 'two' });
    expect(await advance({ expected: 20n, next: 30n })).toBe(false);
    expect(await advance({ owner: 'two', expected: 20n, next: 30n })).toBe(true);
  });

  it('tells a claim that waited for a release that the row is clean', async () => {
    await storage.fences.claim(key, 'one', 10n);
    const other = await world.session();
    await other.query('BEGIN');
    await other.query("UPDATE eo_fence SET clean = true WHERE owner = 'one'");

    const claiming = storage.fences.claim(key, 'two', 0n);
    await world.somebodyWaits();
    await other.query('COMMIT');

    expect(await claiming).toMatchObject({ clean: true, owner: 'two' });
  });

  it('has one row however many claim it first', async () => {
    const owners = Array.from({ length: 8 }, (_, i) => `owner ${i}`);

    const rows = await Promise.all(owners.map((owner) => storage.fences.claim(key, owner, 7n)));

    expect(rows.every(({ nextOffset }) => nextOffset === 7n)).toBe(true);
    expect(rows.filter(({ clean }) => clean)).toHaveLength(1);
  });

  it('is set to another position, or to another log, by its owner only', async () => {
    await storage.fences.claim(key, 'one', 10n);
    await advance({});

    const byAnother = await storage.fences.reposition(key, 'two', 0n, true);
    const back = await storage.fences.reposition(key, 'one', 5n, false);
    const afterBack = await storage.fences.read(key);
    const replaced = await storage.fences.reposition(key, 'one', 0n, true);

    expect([byAnother, back, replaced]).toEqual([false, true, true]);
    expect(afterBack).toMatchObject({ nextOffset: 5n, logGeneration: 1 });
    expect(await storage.fences.read(key)).toMatchObject({
      nextOffset: 0n,
      logGeneration: 2,
      lastFingerprint: null,
    });
  });
});
