import { describe, expect, it } from '@jest/globals';
import { ExactlyOnceError, PermanentError, RetryAfterError } from '../errors/exactly-once-error.js';
import { decide, defaultRetryPolicy as policy } from './failure-policy.js';

const almostOne = () => 0.999999;
const failure = (error: unknown, attempts = 1, uncounted = 0) => ({ error, attempts, uncounted, policy });

describe('decide', () => {
  it('dead-letters what is hopeless at the first attempt', () => {
    expect(decide(failure(new PermanentError('no')), almostOne)).toEqual({ action: 'dead-letter' });
    expect(decide(failure(new ExactlyOnceError('EO_VALIDATION_FAILED', 'x')), almostOne)).toEqual({
      action: 'dead-letter',
    });
  });

  it('doubles the bound of the wait with each attempt, up to the maximum', () => {
    const waits = [1, 2, 3, 4].map((attempts) => decide(failure(new Error(), attempts), almostOne));

    expect(waits.map((wait) => (wait.action === 'retry' ? Math.ceil(wait.delayMs / 100) : null))).toEqual([
      1, 2, 4, 8,
    ]);
    const late = decide({ ...failure(new Error(), 90), policy: { ...policy, attempts: 100 } }, almostOne);
    expect(late).toMatchObject({ delayMs: 29_999 });
  });

  it('spreads the waits over the whole range, from zero', () => {
    expect(decide(failure(new Error(), 3), () => 0)).toEqual({ action: 'retry', delayMs: 0, counted: true });
  });

  it('dead-letters at the last attempt of the policy', () => {
    expect(decide(failure(new Error(), 4), almostOne).action).toBe('retry');
    expect(decide(failure(new Error(), 5), almostOne).action).toBe('dead-letter');
  });

  it("never counts what is not the event's fault", () => {
    const lost = new ExactlyOnceError('EO_STORAGE_UNAVAILABLE', 'x');

    expect(decide(failure(lost, 1_000, 1_000), almostOne)).toMatchObject({ action: 'retry', counted: false });
  });

  it('obeys RetryAfterError, and counts it', () => {
    expect(decide(failure(new RetryAfterError(7_777), 2), almostOne)).toEqual({
      action: 'retry',
      delayMs: 7_777,
      counted: true,
    });
    expect(decide(failure(new RetryAfterError(7_777), 5), almostOne).action).toBe('dead-letter');
  });

  it('waits as the policy says where a RetryAfterError of another copy asks for no time', () => {
    const endless = Object.assign(new RetryAfterError(1), { delayMs: Number.POSITIVE_INFINITY });

    expect(decide(failure(endless, 1), almostOne)).toMatchObject({ action: 'retry', delayMs: 99 });
  });

  it('stops where the framework contradicts itself', () => {
    expect(decide(failure(new ExactlyOnceError('EO_INTERNAL', 'x')), almostOne)).toEqual({ action: 'stop' });
  });
});
