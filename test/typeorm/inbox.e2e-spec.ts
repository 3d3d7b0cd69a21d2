import { type Admission, inboxKey, type Storage, type Transaction } from '@exactly-once/core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { begun, StorageWorld, sealAndCommit } from './storage-world.js';

const print = (text: string) => Buffer.from(text.padEnd(16));
const record = (id: string, body = 'body') => ({
  key: inboxKey('handler', 1, 'source', id),
  handlerId: 1,
  fingerprint: print(body),
});
const verdicts = (admissions: readonly Admission[]) => admissions.map(({ verdict }) => verdict);

describe('admission', () => {
  let world: StorageWorld;
  let storage: Storage;
  const open: Transaction[] = [];

  beforeAll(async () => {
    world = await StorageWorld.open('inbox');
    storage = await world.storage(await world.dataSource({ poolSize: 30 }));
  });

  afterEach(async () => {
    for (const transaction of open.splice(0)) await transaction.rollback();
    await world.clear();
  });
  afterAll(() => world.close());

  async function begin(isolation = begun.isolation): Promise<Transaction> {
    const transaction = await storage.begin(isolation === undefined ? begun : { ...begun, isolation });
    open.push(transaction);
    return transaction;
  }

  async function admitted(ids: readonly string[]): Promise<void> {
    const transaction = await begin();
    await storage.inbox.admit(
      transaction,
      ids.map((id) => record(id)),
    );
    await sealAndCommit(transaction);
  }

  it('answers in the order given, whatever the order of the keys', async () => {
    await admitted(['b', 'd']);
    const transaction = await begin();

    const answers = await storage.inbox.admit(
      transaction,
      ['e', 'd', 'c', 'b', 'a'].map((id) => record(id)),
    );

    expect(verdicts(answers)).toEqual(['fresh', 'duplicate', 'fresh', 'duplicate', 'fresh']);
  });

  it('tells the recorded fingerprint of a duplicate', async () => {
    await admitted(['a']);
    const transaction = await begin();

    const [answer] = await storage.inbox.admit(transaction, [record('a', 'another body')]);

    expect(answer).toEqual({ verdict: 'duplicate', fingerprint: print('body') });
  });

  it('forgets what was rolled back', async () => {
    const first = await begin();
    await storage.inbox.admit(first, [record('a')]);
    await first.rollback();
    const second = await begin();

    const answers = await storage.inbox.admit(second, [record('a')]);

    expect(verdicts(answers)).toEqual(['fresh']);
  });

  it.each([
    ['rolls back', 'fresh', (first: Transaction) => first.rollback()],
    ['commits', 'duplicate', sealAndCommit],
  ] as const)(
    'makes a second copy wait until the first %s, and then calls it %s',
    async (_, verdict, end) => {
      const [first, second] = [await begin(), await begin()];
      await storage.inbox.admit(first, [record('a')]);
      let answered = false;

      const waiting = storage.inbox.admit(second, [record('a')]).finally(() => {
        answered = true;
      });
      await world.somebodyWaits();
      const answeredEarly = answered;
      await end(first);
      const answers = await waiting;

      expect(answeredEarly).toBe(false);
      expect(verdicts(answers)).toEqual([verdict]);
    },
  );

  it('admits one of twenty concurrent copies', async () => {
    const outcomes = await Promise.all(
      Array.from({ length: 20 }, async () => {
        const transaction = await begin();
        const [answer] = await storage.inbox.admit(transaction, [record('same')]);
        await sealAndCommit(transaction);
        return answer?.verdict;
      }),
    );

    expect(outcomes.filter((verdict) => verdict === 'fresh')).toHaveLength(1);
  });

  it('never deadlocks over overlapping batches, whatever their order', async () => {
    const ids = Array.from({ length: 40 }, (_, i) => `event ${i}`);
    const rounds = Array.from({ length: 8 }, (_, round) => round);

    for (const round of rounds) {
      const outcomes = await Promise.allSettled(
        Array.from({ length: 16 }, async (_, worker) => {
          const transaction = await begin();
          const batch = shuffled(ids, round * 100 + worker).slice(0, 25);
          await storage.inbox.admit(
            transaction,
            batch.map((id) => record(`${round} ${id}`)),
          );
          await transaction.rollback();
        }),
      );
      expect(outcomes.filter(({ status }) => status === 'rejected')).toEqual([]);
    }
  });

  it.each(['READ COMMITTED', 'REPEATABLE READ', 'SERIALIZABLE'] as const)(
    'admits an event once at %s, and asks for a retry where the level cannot tell',
    async (isolation) => {
      const late = await begin(isolation);
      await storage.inbox.admit(late, [record('snapshot is taken')]);
      await admitted(['a']);

      const outcome = await storage.inbox.admit(late, [record('a')]).then(
        (answers) => verdicts(answers).join(),
        (error: unknown) => (storage.translate(error) as { code: string }).code,
      );

      const expected = isolation === 'READ COMMITTED' ? 'duplicate' : 'EO_SERIALIZATION_FAILURE';
      expect(outcome).toBe(expected);
      const again = await begin(isolation);
      expect(verdicts(await storage.inbox.admit(again, [record('a')]))).toEqual(['duplicate']);
    },
  );

  it('keeps ids apart that text would merge', async () => {
    const ids = [
      ...['Abc', 'aBC', 'abc', 'e', 'é', 'e\u0301', 'x', 'x ', ' x', 'x\u00a0', 'x\0', 'x\0y', '\0'],
      ...[
        "'; DROP TABLE eo_inbox; --",
        '__proto__',
        'constructor',
        'ß',
        'ss',
        '\u{1F600}',
        'a'.repeat(10_000),
      ],
      `${'a'.repeat(9_999)}b`,
    ];
    const first = await begin();

    const fresh = await storage.inbox.admit(
      first,
      ids.map((id) => record(id)),
    );
    await sealAndCommit(first);
    const second = await begin();
    const duplicates = await storage.inbox.admit(
      second,
      ids.map((id) => record(id)),
    );

    expect(verdicts(fresh)).toEqual(ids.map(() => 'fresh'));
    expect(verdicts(duplicates)).toEqual(ids.map(() => 'duplicate'));
  });

  it('takes back what it admitted and did not handle', async () => {
    const first = await begin();
    await storage.inbox.admit(first, [record('done'), record('not done')]);

    await storage.inbox.withdraw(first, [record('not done').key]);
    await sealAndCommit(first);
    const second = await begin();
    const answers = await storage.inbox.admit(second, [record('done'), record('not done')]);

    expect(verdicts(answers)).toEqual(['duplicate', 'fresh']);
  });

  it('forgets old records in bounded steps, and no young ones', async () => {
    await admitted(['a', 'b', 'c', 'd', 'e']);
    await world.database.query("UPDATE eo_inbox SET recorded_at = now() - interval '1 hour'");
    await admitted(['young']);

    const steps = [];
    for (let i = 0; i < 4; i++) steps.push(await storage.inbox.deleteOlderThan(60_000, 2));

    expect(steps).toEqual([2, 2, 1, 0]);
    expect(await world.database.query('SELECT count(*)::int AS left FROM eo_inbox')).toEqual([{ left: 1 }]);
  });
});

/** The same seed, the same order. */
function shuffled<T>(values: readonly T[], seed: number): T[] {
  let state = seed + 1;
  const random = () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
  return values
    .map((value) => ({ value, at: random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ value }) => value);
}
