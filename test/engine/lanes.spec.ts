import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { MemoryWorld } from './memory-world.js';

describe('a handler with lanes', () => {
  let world: MemoryWorld;

  beforeEach(() => {
    world = new MemoryWorld();
    const features = { concurrentStatements: true, concurrentStatementsRemedy: '', connections: null };
    Object.assign(world.storage, { features });
  });

  afterEach(() => world.stop());

  /** Feeds events named by their keys, "a1" has the key "a"; "-1" has none. */
  function feed(...ids: string[]): void {
    const key = (id: string) => (id.startsWith('-') ? null : id.slice(0, 1));
    world.broker.append('in', ...ids.map((id) => ({ ...world.message(id), key: key(id) })));
  }

  /** A handler that takes 10 ms for each event, and what began and ended, in order. */
  function slow(steps: string[], concurrency: number, name = 'h') {
    return world.handler(
      name,
      async ({ id }) => {
        steps.push(`+${id}`);
        await world.clock.sleep(10);
        steps.push(`-${id}`);
      },
      { concurrency },
    );
  }

  it('handles events of different keys at the same time, at most as many as it has lanes', async () => {
    const steps: string[] = [];
    await world.start([slow(steps, 2)]);

    feed('a1', 'b1', 'c1', 'd1');
    await world.pass(1_000);

    expect(steps).toEqual(['+a1', '+b1', '-a1', '+c1', '-b1', '+d1', '-c1', '-d1']);
    expect(world.effects.toSorted()).toEqual(['h a1', 'h b1', 'h c1', 'h d1']);
  });

  it('keeps events of one key in order', async () => {
    const steps: string[] = [];
    await world.start([slow(steps, 10)]);

    feed('a1', 'a2', 'b1', 'a3');
    await world.pass(1_000);

    expect(steps.filter((step) => step.includes('a'))).toEqual(['+a1', '-a1', '+a2', '-a2', '+a3', '-a3']);
    expect(steps.slice(0, 2)).toEqual(['+a1', '+b1']);
  });

  it('keeps no order among events without a key', async () => {
    const steps: string[] = [];
    await world.start([slow(steps, 10)]);

    feed('-1', '-2');
    await world.pass(1_000);

    expect(steps).toEqual(['+-1', '+-2', '--1', '--2']);
  });

  it('begins no more when its transaction has been open for maxOpenMs, and commits what it has begun', async () => {
    const commits = world.countAtCommits();
    await world.start([slow([], 2)], { batch: { maxOpenMs: 5 } });

    feed('a1', 'b1', 'c1', 'd1');
    await world.pass(1_000);

    expect(commits).toEqual([2, 4]);
    expect(world.calls).toHaveLength(4);
  });

  it('gives up the event that failed beside others, and no other one', async () => {
    const work = async ({ id }: { id: string }) => {
      await world.clock.sleep(id === 'b1' ? 1 : 5);
      if (id === 'b1') throw new Error('on purpose');
    };
    await world.start([world.handler('h', work, { concurrency: 4, retry: { attempts: 1 } })]);

    feed('a1', 'b1', 'c1');
    await world.pass(60_000);

    expect(world.effects.toSorted()).toEqual(['h a1', 'h c1']);
    expect(world.letters).toEqual(['h EO_HANDLER_FAILED b1']);
  });

  it('interrupts the others where one of them ran out of time', async () => {
    const signals: AbortSignal[] = [];
    const handler = world.handler(
      'h',
      async ({ id, signal }) => {
        signals.push(signal);
        if (id === 'a1') await world.clock.sleep(100);
        else await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
      },
      { concurrency: 4, timeoutMs: 1_000, retry: { attempts: 1 } },
    );
    await world.start([handler]);

    feed('a1', 'b1');
    await world.pass(1_000);

    expect(signals.slice(0, 2).map(({ aborted }) => aborted)).toEqual([false, true]);
    await world.pass(60_000);
    expect(world.effects).toEqual(['h a1']);
    expect(world.letters).toEqual(['h EO_HANDLER_TIMEOUT b1']);
  });

  it('has one lane, and says so, where the storage sends one statement at a time', async () => {
    Object.assign(world.storage, {
      features: { concurrentStatements: false, concurrentStatementsRemedy: 'turn it on', connections: null },
    });
    const steps: string[] = [];
    await world.start([slow(steps, 2)]);

    feed('a1', 'b1');
    await world.pass(1_000);

    expect(steps).toEqual(['+a1', '-a1', '+b1', '-b1']);
    expect(world.log).toEqual([
      expect.stringMatching(/^h runs one event at a time instead of 2: .*turn it on/),
    ]);
  });
});
