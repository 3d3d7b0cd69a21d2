import { describeBroker, InMemoryStorage } from '@exactly-once/testing';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { databaseUnderTest } from './database-under-test.js';
import { type Sabotage, sabotages } from './sabotage.js';

interface Collected {
  readonly title: string;
  /** From the opening of its ground to its end; rejects where the test is red. */
  readonly run: () => Promise<void>;
}

/** The tests of the suite on a broker of which something was taken out. */
function collected(sabotage: Sabotage): Collected[] {
  const tests: Collected[] = [];
  const framework = {
    describe: (_: string, body: () => void) => body(),
    beforeEach: () => undefined,
    afterEach: () => undefined,
  };
  const open = () => {
    const storage = new InMemoryStorage();
    return databaseUnderTest({ storage: async () => storage, close: async () => undefined }, sabotage);
  };
  const titles: string[] = [];
  describeBroker('', { ...framework, it: (title) => titles.push(title) }, open);
  for (const [index, title] of titles.entries()) tests.push({ title, run: () => runOne(index, open) });
  return tests;
}

/** Each on a ground of its own: they run beside each other. */
async function runOne(index: number, open: () => ReturnType<typeof databaseUnderTest>): Promise<void> {
  const bodies: (() => Promise<void>)[] = [];
  let [before, after] = [async () => {}, async () => {}];
  describeBroker(
    '',
    {
      describe: (_, body) => body(),
      it: (_, body) => bodies.push(body),
      beforeEach: (body) => {
        before = body;
      },
      afterEach: (body) => {
        after = body;
      },
    },
    open,
    { patienceMs: 3_000 },
  );
  await before();
  await bodies[index]!().finally(after);
}

describe('the broker suite notices when a remedy is missing', () => {
  const outcomes = new Map<string, string>();

  beforeAll(async () => {
    await Promise.all(
      Object.entries(sabotages).map(async ([name, sabotage]) => {
        for (const { title, run } of collected(sabotage)) {
          if (!sabotage.reds.some((red) => title.startsWith(red))) continue;
          const verdict = await run().then(
            () => 'green',
            () => 'red',
          );
          outcomes.set(`${name}: ${title}`, verdict);
        }
      }),
    );
  });

  it.each(Object.keys(sabotages))('%s', (name) => {
    const found = [...outcomes].filter(([of]) => of.startsWith(`${name}: `));

    expect(found).toHaveLength(sabotages[name]!.reds.length);
    expect(found.filter(([, verdict]) => verdict === 'green')).toEqual([]);
  });

  it('no test is left that nothing turns red', () => {
    const reds = Object.values(sabotages).flatMap((sabotage) => sabotage.reds);
    const titles = collected({}).map(({ title }) => title);

    expect(titles.filter((title) => !reds.some((red) => title.startsWith(red)))).toEqual([]);
  });
});
