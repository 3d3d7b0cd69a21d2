import { beforeEach, describe, expect, it } from '@jest/globals';
import type { Clock } from '../clock.js';
import { Turns } from './turns.js';

/** Time that stands still, and sleeps that end when it is moved. */
class StillClock implements Clock {
  #now = 1_000_000;
  #sleeping: { readonly untilMs: number; readonly wake: () => void }[] = [];

  now(): number {
    return this.#now;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((wake) => {
      this.#sleeping.push({ untilMs: this.#now + ms, wake });
      if (signal?.aborted) wake();
      signal?.addEventListener('abort', () => wake());
    });
  }

  timer(): () => void {
    throw new Error('no timers here');
  }

  move(ms: number): void {
    this.#now += ms;
    for (const { untilMs, wake } of this.#sleeping) if (untilMs <= this.#now) wake();
  }
}

const never = new AbortController().signal;

/** Everything that can go on without time has gone on. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

describe('Turns', () => {
  let clock: StillClock;
  let turns: Turns;
  let taken: string[];

  const take = async (name: string) => {
    const end = await turns.take(never);
    taken.push(name);
    return end;
  };

  beforeEach(() => {
    clock = new StillClock();
    turns = new Turns(clock);
    taken = [];
  });

  it('makes nobody wait as long as nothing collided', async () => {
    await Promise.all([take('one'), take('other')]);

    expect(taken).toEqual(['one', 'other']);
  });

  it('lets one go after the other once there was a collision, in order', async () => {
    turns.collided();
    const first = await take('first');
    const waiting = [take('second'), take('third')];
    await settled();
    const before = [...taken];
    first();
    await waiting[0];
    await settled();

    expect([before, taken]).toEqual([['first'], ['first', 'second']]);
  });

  it('lets go ahead whoever has waited long enough', async () => {
    turns.collided();
    await take('slow');
    const waiting = take('patient');
    clock.move(1_000);
    await waiting;

    expect(taken).toEqual(['slow', 'patient']);
  });

  it('ends after a while, and lasts twice as long where it is soon needed again', async () => {
    const atOnce = async (name: string) => {
      void take(name);
      await settled();
      return taken.includes(name);
    };
    turns.collided();
    clock.move(5_000);
    await take('holds nobody up');
    const afterFirst = await atOnce('after the first');
    turns.collided();
    clock.move(5_000);
    await take('holds others up');
    const amidSecond = await atOnce('amid the second');
    clock.move(5_000);
    const afterSecond = await atOnce('after the second');

    expect([afterFirst, amidSecond, afterSecond]).toEqual([true, false, true]);
  });
});
