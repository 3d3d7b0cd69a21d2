import { describe, expect, it } from '@jest/globals';
import { anomalies, isClean, judge, type Verdict } from './judge.js';
import type { Attempt, Effect, Observation } from './observation.js';

const handler = 'ledger';
const effect = (message: string, position: number, changes: Partial<Effect> = {}): Effect => ({
  handler,
  source: 'shop',
  id: message,
  message,
  key: 'k',
  sequence: position,
  position,
  ...changes,
});
const attempt = (message: string, sequence: number, changes: Partial<Attempt> = {}): Attempt => ({
  message,
  source: 'shop',
  id: message,
  key: 'k',
  sequence,
  outcome: 'ok',
  fates: { [handler]: 'effect' },
  ...changes,
});

/** Three events, handled once and in order. */
function goodRun(changes: Partial<Observation> = {}): Observation {
  const messages = ['a1', 'b2', 'c3'];
  return {
    attempts: messages.map((message, index) => attempt(message, index)),
    first: messages.map((message, index) => effect(message, index)),
    second: messages.map((message, index) => effect(message, index)),
    counters: [{ handler, key: 'k', value: 3 }],
    outputs: messages.map((message) => ({ handler, message, outputId: `out-${message}` })),
    deadLetters: [],
    inbox: messages.map((message) => ({ handler, source: 'shop', id: message })),
    stuck: [],
    ...changes,
  };
}

/** The good run with `b2` dead-lettered instead of handled. */
function givenUp(fate: 'effect' | 'dead-letter' | 'either'): Observation {
  const run = goodRun();
  const others = <T extends { message: string }>(rows: readonly T[]) =>
    rows.filter(({ message }) => message !== 'b2');
  return {
    ...run,
    attempts: run.attempts.map((one) =>
      one.message === 'b2' ? { ...one, fates: { [handler]: fate } } : one,
    ),
    first: others(run.first),
    second: others(run.second),
    outputs: others(run.outputs),
    counters: [{ handler, key: 'k', value: 2 }],
    deadLetters: [{ handler, message: 'b2', code: 'EO_PERMANENT' }],
  };
}

const raised = (verdict: Verdict) => anomalies.filter((anomaly) => verdict[anomaly].length > 0).join('');

describe('judge', () => {
  it('finds nothing in a run without a fault', () => {
    expect(isClean(judge(goodRun()))).toBe(true);
  });

  it('takes a record that was sent again with the same id for one', () => {
    const run = goodRun();

    expect(raised(judge({ ...run, outputs: [...run.outputs, run.outputs[0]!] }))).toBe('');
  });

  it('asks nothing of an attempt whose outcome is not known', () => {
    const run = goodRun();

    const verdict = judge({ ...run, attempts: [...run.attempts, attempt('d4', 3, { outcome: 'info' })] });

    expect(raised(verdict)).toBe('');
  });

  it('L: misses what was produced and left no trace', () => {
    const run = goodRun();

    const verdict = judge({ ...run, attempts: [...run.attempts, attempt('d4', 3)] });

    expect(raised(verdict)).toBe('L');
    expect(verdict.L[0]).toContain('left no trace');
  });

  it('L: takes a dead letter only where one is asked for', () => {
    expect(raised(judge(givenUp('effect')))).toBe('L');
    expect(raised(judge(givenUp('dead-letter')))).toBe('');
    expect(raised(judge(givenUp('either')))).toBe('');
  });

  it('D: sees an effect that stands twice, in all tables alike', () => {
    const run = goodRun();

    const verdict = judge({
      ...run,
      first: [...run.first, effect('b2', 9, { sequence: 1 })],
      second: [...run.second, effect('b2', 9, { sequence: 1 })],
      counters: [{ handler, key: 'k', value: 4 }],
    });

    expect(raised(verdict)).toBe('D');
  });

  it('D: sees two output events with different ids for one cause', () => {
    const run = goodRun();
    const again = { handler, message: 'a1', outputId: 'another' };

    expect(raised(judge({ ...run, outputs: [...run.outputs, again] }))).toBe('D');
  });

  it('D: sees one id handled with two bodies', () => {
    const run = goodRun();
    const changed = { ...run.first[1]!, id: 'a1' };

    expect(judge({ ...run, first: [run.first[0]!, changed, run.first[2]!] }).D).toHaveLength(1);
  });

  it('D: sees a second dead letter', () => {
    const run = givenUp('dead-letter');

    expect(raised(judge({ ...run, deadLetters: [...run.deadLetters, ...run.deadLetters] }))).toBe('D');
  });

  it.each<[string, Partial<Observation>]>([
    ['the second table', { second: goodRun().second.slice(1) }],
    ['the output', { outputs: goodRun().outputs.slice(1) }],
    ['the counter', { counters: [{ handler, key: 'k', value: 2 }] }],
    ['the inbox', { inbox: goodRun().inbox.slice(1) }],
  ])('T: sees that %s lacks an event', (_, changes) => {
    expect(raised(judge(goodRun(changes)))).toBe('T');
  });

  it('T: sees an inbox record without effects', () => {
    const run = goodRun();
    const attempts = [...run.attempts, attempt('d4', 3, { outcome: 'info' })];
    const inbox = [...run.inbox, { handler, source: 'shop', id: 'd4' }];

    expect(raised(judge({ ...run, attempts, inbox }))).toBe('T');
  });

  it('P: sees effects of what was rolled back, failed, or was never asked for', () => {
    const run = goodRun();
    const changed = (changes: Partial<Attempt>) => [
      { ...run.attempts[0]!, ...changes },
      ...run.attempts.slice(1),
    ];

    expect(raised(judge({ ...run, attempts: changed({ fates: { [handler]: 'nothing' } }) }))).toBe('P');
    expect(raised(judge({ ...run, attempts: changed({ outcome: 'fail' }) }))).toBe('P');
    expect(raised(judge({ ...run, attempts: run.attempts.slice(1) }))).toBe('P');
    expect(raised(judge({ ...run, attempts: changed({ fates: { [handler]: 'dead-letter' } }) }))).toBe('P');
  });

  it('P: sees an event that was handled under another identity', () => {
    const run = goodRun();
    const merged = run.first.map((one) => (one.message === 'a1' ? { ...one, id: 'A1' } : one));

    expect(judge({ ...run, first: merged }).P).toHaveLength(1);
  });

  it('R: sees first effects of a key out of sequence', () => {
    const run = goodRun();
    const swapped = [effect('b2', 0, { sequence: 1 }), effect('a1', 1, { sequence: 0 }), run.first[2]!];

    expect(raised(judge({ ...run, first: swapped }))).toBe('R');
  });

  it('V: passes on what got stuck', () => {
    expect(raised(judge(goodRun({ stuck: ['not drained'] })))).toBe('V');
  });

  it('X: sees an event both handled and dead-lettered', () => {
    const run = goodRun();

    const verdict = judge({ ...run, deadLetters: [{ handler, message: 'a1', code: 'EO_PERMANENT' }] });

    expect(raised(verdict)).toBe('X');
  });
});
