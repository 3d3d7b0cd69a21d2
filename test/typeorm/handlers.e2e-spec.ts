import type { DeclaredHandler, KnownHandler, Storage } from '@exactly-once/core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { begun, rejection, StorageWorld, sealAndCommit } from './storage-world.js';

describe('handler names', () => {
  let world: StorageWorld;
  let storage: Storage;

  beforeAll(async () => {
    world = await StorageWorld.open('handlers');
    storage = await world.storage();
  });

  afterEach(async () => {
    await world.clear();
    await world.database.query('TRUNCATE eo_handler');
  });
  afterAll(() => world.close());

  const register = (declared: DeclaredHandler[], service = 'payments') =>
    storage.handlers.register(service, declared, () => undefined);

  async function handled({ id }: KnownHandler): Promise<void> {
    const transaction = await storage.begin(begun);
    const record = { key: Buffer.alloc(24, id), handlerId: id, fingerprint: Buffer.alloc(16) };
    await storage.inbox.admit(transaction, [record]);
    await sealAndCommit(transaction);
  }

  it('are recorded once and come back the same, in the order declared', async () => {
    const first = await register([{ name: 'b' }, { name: 'a' }]);

    const second = await register([{ name: 'a' }, { name: 'b' }]);

    expect(first.map(({ name }) => name)).toEqual(['b', 'a']);
    expect(second).toEqual([first[1], first[0]]);
    expect(first[0]).toMatchObject({ identity: 'b', generation: 1, renamedFrom: null });
  });

  it('keep identity and id through renames', async () => {
    const [first] = await register([{ name: 'a' }]);

    await register([{ name: 'b', renamedFrom: 'a' }]);
    const [last] = await register([{ name: 'c', renamedFrom: 'b' }]);

    expect(last).toMatchObject({ id: first!.id, identity: 'a', name: 'c', renamedFrom: 'b' });
  });

  it('are found by the old version of a service, beside the new one that renamed them', async () => {
    const [before] = await register([{ name: 'old' }]);
    await register([{ name: 'new', renamedFrom: 'old' }]);

    const [old] = await register([{ name: 'old' }]);
    const [renamed] = await register([{ name: 'new', renamedFrom: 'old' }]);

    expect(old).toMatchObject({ id: before!.id, identity: 'old', name: 'old' });
    expect(renamed).toMatchObject({ id: before!.id, identity: 'old', name: 'new' });
  });

  it('give a new handler under a former name an identity of its own', async () => {
    await register([{ name: 'capture' }]);

    const together = await register([
      { name: 'capture', isNew: true },
      { name: 'captureV1', renamedFrom: 'capture' },
    ]);
    const again = await register([
      { name: 'capture', isNew: true },
      { name: 'captureV1', renamedFrom: 'capture' },
    ]);

    expect(together[1]).toMatchObject({ name: 'captureV1', identity: 'capture' });
    expect(together[0]!.identity).not.toBe('capture');
    expect(together[0]!.id).not.toBe(together[1]!.id);
    expect(again).toEqual(together);
  });

  it('let the decision see what stands in the database, and whether anything was handled', async () => {
    const [known] = await register([{ name: 'a' }]);
    const seen: unknown[] = [];
    const look = (rows: readonly KnownHandler[], filled: boolean) => {
      seen.push([rows.map(({ name }) => name), filled]);
    };

    await storage.handlers.register('payments', [{ name: 'a' }], look);
    await handled(known!);
    await storage.handlers.register('payments', [{ name: 'a' }], look);
    await storage.handlers.register('another service', [{ name: 'z' }], look);

    expect(seen).toEqual([
      [['a'], false],
      [['a'], true],
      [[], false],
    ]);
  });

  it('change nothing where the decision throws', async () => {
    await register([{ name: 'a' }]);
    const no = () => {
      throw new Error('no');
    };

    const error = await rejection(storage.handlers.register('payments', [{ name: 'b' }], no));

    expect(error.message).toBe('no');
    expect(await world.database.query('SELECT name, retired_at FROM eo_handler')).toEqual([
      { name: 'a', retired_at: null },
    ]);
  });

  it('retire what is no longer declared, and bring it back as itself', async () => {
    const [, b] = await register([{ name: 'a' }, { name: 'b' }]);
    await register([{ name: 'a' }]);
    let known: string[] = [];

    await storage.handlers.register('payments', [{ name: 'a' }], (rows) => {
      known = rows.map(({ name }) => name);
    });
    const [, again] = await register([{ name: 'a' }, { name: 'b', isNew: true }]);

    expect(known).toEqual(['a']);
    expect(again).toEqual(b);
  });

  it('belong to one service: another with the same name is refused', async () => {
    await register([{ name: 'shared' }], 'orders');

    const error = await rejection(register([{ name: 'shared' }], 'payments'));

    expect(error).toMatchObject({ code: 'EO_HANDLER_DUPLICATE' });
  });

  it('are renamed once by starts at the same time', async () => {
    const [before] = await register([{ name: 'old' }]);
    const other = await world.session();
    await other.query('BEGIN; UPDATE eo_handler SET service = service'); // holds all of them up

    const starts = Promise.all(
      Array.from({ length: 8 }, () => register([{ name: 'new', renamedFrom: 'old' }])),
    );
    await world.somebodyWaits(8);
    await other.query('COMMIT');
    const all = await starts;

    expect(all.map(([known]) => known!.id)).toEqual(Array(8).fill(before!.id));
  });

  it('are recorded once by starts at the same time', async () => {
    const declared = [{ name: 'a' }, { name: 'b' }];

    const all = await Promise.all(Array.from({ length: 8 }, () => register(declared)));

    expect(new Set(all.map((known) => JSON.stringify(known))).size).toBe(1);
    expect(all[0]).toHaveLength(2);
  });
});
