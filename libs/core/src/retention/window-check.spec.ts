import { ManualClock } from '@exactly-once/testing';
import { describe, expect, it } from '@jest/globals';
import { WindowCheck, type WindowCheckParts, windowWarnings } from './window-check.js';

const dayMs = 86_400_000;
const windowMs = 7 * dayMs;

describe('the deduplication window is compared with', () => {
  it('what topics keep: longer than it or for ever is warned of, with figures and remedy', () => {
    const topics = new Map([
      ['orders', 14 * dayMs],
      ['audit', null],
      ['same', windowMs],
      ['shorter', dayMs],
    ]);

    const warnings = windowWarnings({ windowMs, topics });

    expect(warnings).toHaveLength(2);
    expect(warnings[0]).toBe(
      'topic orders keeps its records for 14 days, longer than the deduplication window of 7 days: what is read again ' +
        "from before it runs again. Set retention.windowDays to at least 14, or the topic's retention.ms to at most 604800000",
    );
    expect(warnings[1]).toMatch(
      /^topic audit keeps its records for ever.*retention\.ms to at most 604800000/,
    );
  });

  it('the age of dead letters', () => {
    expect(windowWarnings({ windowMs, deadLetters: 0 })).toEqual([]);
    expect(windowWarnings({ windowMs, deadLetters: 1 })[0]).toMatch(/^1 dead letter is older than .*7 days/);
    expect(windowWarnings({ windowMs, deadLetters: 3 })[0]).toMatch(
      /^3 dead letters are .*Decide about them in time.*retention\.windowDays/,
    );
  });

  it('the age of parked events', () => {
    expect(windowWarnings({ windowMs, parked: 0 })).toEqual([]);
    expect(windowWarnings({ windowMs, parked: 1 })[0]).toMatch(/^1 parked event is older than .*7 days/);
    expect(windowWarnings({ windowMs, parked: 3 })[0]).toMatch(
      /^3 parked events are .*parked list.*retention\.windowDays/,
    );
  });

  it('how long a handler may try', () => {
    const policy = { attempts: 5, backoffMs: 100, maxBackoffMs: 30_000 };
    const retries = new Map([
      ['patient', { ...policy, attempts: 20, maxBackoffMs: dayMs }],
      ['usual', policy],
    ]);

    const warnings = windowWarnings({ windowMs, retries });

    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toMatch(
      /^patient may try an event for 20 days \(20 attempts, maxBackoffMs 86400000\).*windowDays to at least 20$/,
    );
  });
});

describe('the comparison of the window', () => {
  const checked = async (parts: Partial<WindowCheckParts>, ms = 0) => {
    const clock = new ManualClock();
    const log: string[] = [];
    const keep = (level: string) => (message: string) => void log.push(`${level} ${message}`);
    const logger = { error: keep('error'), warn: keep('warn'), info: keep('info'), debug: keep('debug') };
    const check = new WindowCheck({
      ...{
        windowMs,
        retries: new Map(),
        topics: async () => new Map(),
        deadLetters: async () => 0,
        parked: async () => 0,
        clock,
        logger,
        random: () => 0.99,
      },
      ...parts,
    });
    const running = check.run(new AbortController().signal);
    await clock.advance(ms);
    await running;
    return { log, clock };
  };

  it('asks for the letters that died before the window, and for topics where the broker says', async () => {
    const befores: number[] = [];
    const { log, clock } = await checked({
      deadLetters: async (beforeMs) => befores.push(beforeMs),
      topics: async () => new Map([['audit', null]]),
    });

    expect(befores).toEqual([clock.now() - windowMs]);
    expect(log.map((line) => line.slice(0, 18)).sort()).toEqual(['warn 1 dead letter', 'warn topic audit k']);
  });

  it('asks again what does not answer, then leaves it to the next start', async () => {
    let asked = 0;
    const failing = async () => {
      asked++;
      throw new Error('no rights');
    };
    const { log } = await checked({ topics: failing }, 60_000);
    expect([asked, log]).toEqual([5, ['info the window was not compared: Error: no rights']]);

    let left = 2;
    const late = async () => (left-- > 0 ? failing() : new Map([['audit', null]]));
    expect((await checked({ topics: late }, 60_000)).log).toHaveLength(1);
  });
});
