import { describe, expect, it } from '@jest/globals';
import { SeededRandom } from '../../harness/seeded-random.js';
import type { Stage } from '../../harness/stage.js';
import type { Evidence } from '../../record/evidence.js';
import { Harms } from './harms.js';

type Parts = ConstructorParameters<typeof Harms>[1];

/** A stage on which nothing happens; `asked`: each choice that is made. */
function ground(evidence: readonly Evidence[] = [], slept: readonly object[] = []) {
  const asked: number[] = [];
  const stage = {
    options: { seed: 7 },
    random: new SeededRandom(7, 'case 70'),
    schedule: {} as { harms?: readonly string[] },
    broker: { sessionTimeoutMs: 6_000 },
    database: { query: async () => [{ count: 0, busy: true, worker: 'consume-1', pid: 1 }] },
    evidence: () => evidence,
  };
  const nothing = <T>(random: SeededRandom, answer: T): T => {
    asked.push(random.between(1, 1_000_000));
    return answer;
  };
  const never = (skip: number) => {
    asked.push(skip);
    return new Promise<void>(() => {});
  };
  const parts = {
    crew: {
      ...{ slept, consumers: [], relays: [] },
      victim: async (_: unknown, random: SeededRandom) => nothing(random, null),
    },
    load: {
      kill: async (random: SeededRandom) => nothing(random, false),
      repeat: (random: SeededRandom) => nothing(random, 0),
    },
    proxy: { blackHole: () => 0, cut: (_: unknown, skip: number) => never(skip) },
  };
  return { stage, asked, harms: new Harms(stage as unknown as Stage, parts as unknown as Parts) };
}

describe('what happens to a soak', () => {
  it('is the seed’s, whatever else has made choices meanwhile', async () => {
    const [one, other] = [ground(), ground()];
    for (let count = 0; count < 30; count++) {
      await one.harms.next();
      if (count % 3 === 0) other.stage.random.next();
      await other.harms.next();
    }

    expect(one.stage.schedule.harms).toHaveLength(30);
    expect(other.stage.schedule.harms).toEqual(one.stage.schedule.harms);
    expect(other.asked).toEqual(one.asked);
  });

  it('counts a take-over where the fence refused who had slept, or another took the shard meanwhile', () => {
    const over = () => {};
    const slept = [
      { worker: 'consume-1', fromMs: 100, toMs: 200, over },
      { worker: 'consume-2', fromMs: 100, toMs: 200, over },
      { worker: 'relay-3', fromMs: 100, toMs: 200, over },
    ];
    const evidence: Evidence[] = [
      { worker: 'consume-1', atMs: 201, kind: 'fenced', topic: 't', partition: 1 },
      { worker: 'consume-2', atMs: 99, kind: 'fenced', topic: 't', partition: 1 },
      { worker: 'relay-4', atMs: 150, kind: 'took', shard: 0 },
      { worker: 'relay-3', atMs: 150, kind: 'took', shard: 0 },
      { worker: 'relay-4', atMs: 250, kind: 'took', shard: 0 },
    ];

    expect(ground(evidence, slept).harms.takeOvers()).toEqual({ fenced: 1, taken: 1 });
  });
});
