import { describe, expect, it } from '@jest/globals';
import type { Clock } from '../clock.js';
import type { BatchPlan } from './batch-plan.js';
import { Progress } from './progress.js';

const planOf = (topic: string, ...timeouts: (number | null)[]) =>
  ({
    deliveries: [{ topic, partition: 0 }],
    units: timeouts.map((timeoutMs) => ({ handler: timeoutMs === null ? null : { timeoutMs } })),
  }) as unknown as BatchPlan;

describe('Progress', () => {
  const watched = () => {
    let nowMs = 0;
    const progress = new Progress({ now: () => nowMs } as Clock);
    const pass = (ms: number) => {
      nowMs += ms;
      return progress.stuck();
    };
    return { progress, pass };
  };

  it('is stuck after twice the time of the slowest handler at hand, however short that is', () => {
    const { progress, pass } = watched();
    progress.begin(planOf('a', 50, 100));

    expect([pass(200), pass(1)]).toEqual([null, 'no progress on a/0 for 201 ms']);
  });

  it.each([[[null]], [[]]])('allows the default time where nobody handles the events (%p)', (timeouts) => {
    const { progress, pass } = watched();
    progress.begin(planOf('a', ...timeouts));

    expect([pass(60_000), pass(1)]).toEqual([null, 'no progress on a/0 for 60001 ms']);
  });

  it('is not stuck where somebody waits for others, as long as these commit', async () => {
    const { progress, pass } = watched();
    const waiting = progress.begin(planOf('waits', 100));
    const working = progress.begin(planOf('works', 100));
    let turn = () => {};
    const waited = waiting.waits(
      new Promise<void>((resolve) => {
        turn = resolve;
      }),
    );
    const seen: (string | null)[] = [];
    for (let commit = 0; commit < 10; commit++) {
      seen.push(pass(150));
      working.moved();
    }
    turn();
    await waited;

    expect(seen).toEqual(Array(10).fill(null));
    expect([pass(200), pass(1)]).toEqual([null, 'no progress on waits/0 for 201 ms']);
  });

  it('is stuck where nobody commits whom others wait for', () => {
    const { progress, pass } = watched();
    const waiting = progress.begin(planOf('waits', 10));
    const working = progress.begin(planOf('works', 100));
    void waiting.waits(new Promise(() => {}));
    pass(150);
    working.moved();
    working.end();
    const longer = progress.begin(planOf('longer', 100));

    expect([pass(200), pass(1)]).toEqual([null, 'no progress on waits/0 for 201 ms']);
    longer.end();
  });

  it('counts what was not waiting before and after it', async () => {
    const { progress, pass } = watched();
    const one = progress.begin(planOf('a', 100));
    pass(150);
    let turn = () => {};
    const waited = one.waits(
      new Promise<void>((resolve) => {
        turn = resolve;
      }),
    );
    pass(20);
    turn();
    await waited;

    expect([pass(50), pass(1)]).toEqual([null, 'no progress on a/0 for 201 ms']);
  });
});
