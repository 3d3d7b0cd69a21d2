import type { ParkScope } from '@exactly-once/core';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { key, MortalWorld } from './mortal-world.js';

/** What was parked comes out again by `retryParked`; issue by hand, or by a program that decides for people. */
describe('a parked key that is retried', () => {
  let world: MortalWorld;

  beforeEach(async () => {
    world = new MortalWorld();
    world.feedKeyed(['K', 'k'], ['A', 'a'], ['K2', 'k'], ['K3', 'k']);
    for (let life = 1; life <= 6; life++) await world.begin([world.killing('h', 'K')]);
  });

  afterEach(async () => {
    await world.stop();
  });

  it('handles its events in order, once, and then goes on as any other', async () => {
    await world.begin([world.handler('h')]);
    expect(world.waiting).toHaveLength(3);

    const result = await world.engine.retryParked(await scope());
    const again = await world.engine.retryParked(scopeOfK!);
    world.feedKeyed(['K4', 'k'], ['K2', 'k']);
    await world.begin([world.handler('h')]);

    expect(result).toEqual({ handled: 3, end: 'free', error: null });
    expect(again).toEqual({ handled: 0, end: 'free', error: null });
    expect(world.effects).toEqual(['h A', 'h K', 'h K2', 'h K3', 'h K4']);
    expect(world.waiting).toEqual([]);
  });

  it('stops at the one that fails, which stays the first', async () => {
    const failing = world.handler('h', ({ id }) => {
      if (id === 'K2') throw new Error('not yet');
    });
    await world.begin([failing]);

    const result = await world.engine.retryParked(await scope());
    world.feedKeyed(['K4', 'k']);
    await world.begin([failing]);

    expect(result).toMatchObject({ handled: 1, end: 'failed', error: { message: 'not yet' } });
    expect(world.effects).toEqual(['h A', 'h K']);
    expect(world.waiting.map((one) => one.split(' ')[0])).toEqual(['K2', 'K3', 'K4']);
  });

  it('refuses to be called by a handler, for whose end it would wait', async () => {
    let error: unknown = null;
    const calling = world.handler('h', async ({ id }) => {
      if (id === 'B') error = await world.engine.retryParked(scopeOfK!).catch((thrown: unknown) => thrown);
    });
    await world.begin([calling]);
    await scope();
    world.feedKeyed(['B', 'b']);
    await world.begin([calling]);

    expect(error).toMatchObject({ code: 'EO_TRANSACTION_OWNED' });
    expect(world.effects).toEqual(['h A', 'h B']);
    expect(world.waiting).toHaveLength(3);
  });

  it('publishes and is told its attempts as at any other call', async () => {
    const attempts: number[] = [];
    await world.begin([world.handler('h', ({ attempt }) => void attempts.push(attempt))]);

    await world.engine.retryParked(await scope());

    expect(attempts).toEqual([5, 1, 1]);
  });

  it('is retried by one at a time, and what comes of it meanwhile waits behind it', async () => {
    let goOn = () => {};
    const sign = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    await world.begin([world.handler('h', ({ id }) => (id === 'K3' ? sign : undefined))]);
    const first = world.engine.retryParked(await scope());
    await world.pass();

    const second = world.engine.retryParked(scopeOfK!);
    await world.pass(6_000);
    const third = world.engine.retryParked(scopeOfK!);
    world.feedKeyed(['K4', 'k']);
    await world.begin([world.handler('h')]);
    const meanwhile = [...world.effects];
    goOn();
    await world.pass(100);

    expect(await second).toEqual({ handled: 0, end: 'busy', error: null });
    expect(await third).toEqual({ handled: 0, end: 'free', error: null });
    expect(meanwhile).not.toContain('h K4');
    expect(await first).toEqual({ handled: 4, end: 'free', error: null });
    expect(world.effects).toEqual(['h A', 'h K', 'h K2', 'h K3', 'h K4']);
  });

  it('gives what a batch handler prepares its time, and no more', async () => {
    const { invoke: _, ...definition } = world.handler('h', () => {}, { timeoutMs: 1_000 });
    let prepared = 0;
    const batch = {
      ...definition,
      batch: 10,
      invokeBatch: async () => {},
      prepare: () => {
        prepared++;
        return new Promise(() => {});
      },
    };
    await world.begin([batch]);

    const retrying = world.engine.retryParked(await scope());
    await world.pass(1_100);

    expect(await retrying).toMatchObject({
      handled: 0,
      end: 'failed',
      error: { code: 'EO_HANDLER_TIMEOUT' },
    });
    expect(prepared).toBe(1);
    expect(world.waiting).toHaveLength(3);
  });

  it('runs nothing beside an event that has killed, and lets its turn come', async () => {
    let goOn = () => {};
    const sign = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    const { owner } = await world.begin([world.handler('h')]);
    for (const partition of [0, 1]) await world.storage.fences.release({ ...key, partition }, owner);
    world.broker.append('beside', world.message('I'), world.message('J'));
    const running: string[] = [];
    const seen: string[] = [];
    const handler = world.handler(
      'h',
      async ({ id }) => {
        running.push(id);
        seen.push(running.join(' '));
        if (id === 'I') await sign;
        else await world.clock.sleep(100);
        running.splice(running.indexOf(id), 1);
      },
      { commit: 'event' },
    );
    await world.begin([handler]);
    const retrying = world.engine.retryParked(await scope());
    await world.pass(1_000);
    const before = [...seen];
    goOn();
    await world.pass(1_000);

    expect(before).toEqual(['I']);
    expect(seen.filter((one) => one.includes('K ') || one.endsWith('K'))).toEqual(['K']);
    expect(await retrying).toMatchObject({ handled: 3, end: 'free' });
    expect(world.effects.slice(-5).toSorted()).toEqual(['h I', 'h J', 'h K', 'h K2', 'h K3']);
  });

  it('is named, and a handler that is not there is refused', async () => {
    const [one] = await world.engine.parked();

    expect(one).toMatchObject({ handler: 'h', topic: 'in', events: 3, code: 'EO_PROCESS_KILLED' });
    await expect(world.engine.retryParked({ ...one!, handlerId: 99 })).rejects.toMatchObject({
      code: 'EO_OPTION_INVALID',
    });
  });

  let scopeOfK: ParkScope | undefined;

  async function scope(): Promise<ParkScope> {
    [scopeOfK] = await world.engine.parked();
    return scopeOfK!;
  }
});
