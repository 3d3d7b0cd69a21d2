import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { SessionGate } from './session-gate.js';

describe('SessionGate', () => {
  afterEach(() => void jest.useRealTimers());

  /** Enters for `name`, and notes who got in, in order. */
  function visitors() {
    const gate = new SessionGate();
    const inside: string[] = [];
    const who = new Map(['a', 'b', 'c', 'd'].map((name) => [name, { name }]));
    const enter = (name: string, patienceMs = 1_000) =>
      gate.enter(who.get(name)!, patienceMs).then(() => void inside.push(name));
    const leave = (name: string) => gate.leave(who.get(name)!);
    return { gate, inside, enter, leave, who };
  }

  it('lets one in at a time, in the order they came', async () => {
    const { inside, enter, leave } = visitors();
    const all = [enter('a'), enter('b'), enter('c')];
    await all[0];
    const first = [...inside];

    leave('a');
    await all[1];
    const second = [...inside];
    leave('b');
    await all[2];

    expect(first).toEqual(['a']);
    expect(second).toEqual(['a', 'b']);
    expect(inside).toEqual(['a', 'b', 'c']);
  });

  it('lets the holder through again', async () => {
    const { inside, enter } = visitors();
    await enter('a');

    await enter('a');

    expect(inside).toEqual(['a', 'a']);
  });

  it('refuses one that has waited too long, and passes it by', async () => {
    jest.useFakeTimers();
    const { inside, enter, leave } = visitors();
    await enter('a');
    const impatient = enter('b', 100).catch((error: unknown) => error);
    const patient = enter('c', 10_000);

    jest.advanceTimersByTime(100);
    const error = await impatient;
    leave('a');
    await patient;

    expect(error).toMatchObject({ code: 'EO_DATABASE_BUSY', details: { patienceMs: 100 } });
    expect(inside).toEqual(['a', 'c']);
  });

  it('never passes to one that has withdrawn', async () => {
    const { inside, enter, leave } = visitors();
    await enter('a');
    const gone = enter('b').catch((error: Error) => error.message);
    const next = enter('c');

    leave('b');
    leave('a');
    await next;

    expect(await gone).toMatch(/left/);
    expect(inside).toEqual(['a', 'c']);
  });

  it('is not left by one that does not hold it', async () => {
    const { gate, enter, leave, who } = visitors();
    await enter('a');

    leave('b');

    expect(gate.isHeldBy(who.get('a')!)).toBe(true);
  });

  it('is free when the last one has left', async () => {
    const { gate, enter, leave, who } = visitors();
    await enter('a');
    leave('a');

    await enter('d');

    expect(gate.isHeldBy(who.get('d')!)).toBe(true);
  });
});
