import { describe, expect, it } from '@jest/globals';
import { LocalPaymentProvider } from './local-payment-provider.js';

const charge = (refusalRate: number, idempotencyKey: string) =>
  new LocalPaymentProvider(refusalRate).charge({ idempotencyKey, orderId: 'a', cents: 5 });

describe('LocalPaymentProvider', () => {
  it('gives a key the same answer again, also after a restart', async () => {
    const keys = Array.from({ length: 50 }, (_, index) => `key-${index}`);

    const first = await Promise.all(keys.map((key) => charge(0.5, key)));
    const second = await Promise.all(keys.map((key) => charge(0.5, key)));

    expect(second).toEqual(first);
    expect(new Set(first.map(({ outcome }) => outcome))).toEqual(new Set(['charged', 'refused']));
  });

  it('refuses as many as the rate says', async () => {
    const outcomes = async (rate: number) => {
      const keys = Array.from({ length: 1_000 }, (_, index) => `key-${index}`);
      const answers = await Promise.all(keys.map((key) => charge(rate, key)));
      return answers.filter(({ outcome }) => outcome === 'refused').length;
    };

    const [never, some, always] = await Promise.all([0, 0.1, 1].map(outcomes));

    expect([never, always]).toEqual([0, 1_000]);
    expect(some).toBeGreaterThan(70);
    expect(some).toBeLessThan(130);
  });

  it.each([Number.NaN, -0.1, 1.1])('does not start with a rate of %d', (rate) => {
    expect(() => new LocalPaymentProvider(rate)).toThrow('PAYMENT_REFUSAL_RATE');
  });
});
