import { describe, expect, it } from '@jest/globals';
import { amount, many, number, shortId, stepWords, time, verdictWords } from './plain-words.js';

const audit = { atMs: 1, clean: false, checked: 9, lost: 0, doubled: 0, torn: 0, findings: [] };

describe('the page’s words', () => {
  it.each([
    [0, '0.0 s'],
    [59_949, '59.9 s'],
    [59_950, '1:00 min'],
    [60_000, '1:00 min'],
    [125_400, '2:05 min'],
  ])('tell %i ms as %s', (ms, words) => {
    expect(time(ms)).toBe(words);
  });

  it('tell numbers and amounts', () => {
    expect([number(1_234_567), amount(5), amount(123_456)]).toEqual(['1,234,567', '€0.05', '€1,234.56']);
    expect([many(1, 'order'), many(0, 'order'), many(2, 'copy', 'copies')]).toEqual([
      '1 order',
      '0 orders',
      '2 copies',
    ]);
  });

  it('shorten a UUID and leave another id whole', () => {
    expect(shortId('0190f5fe-7c00-7a00-8a00-0123456789ab')).toBe('…0123456789ab');
    expect(shortId('order-0190f5fe')).toBe('order-0190f5fe');
  });

  it.each([
    [{ ...audit, clean: true }, 'Clean: nothing lost, nothing doubled'],
    [{ ...audit, lost: 1 }, 'Not clean: 1 lost'],
    [{ ...audit, lost: 1, doubled: 1_000, torn: 3 }, 'Not clean: 1 lost, 1,000 doubled, 3 torn'],
    [audit, 'Not clean'],
  ])('tell a verdict', (found, words) => {
    expect(verdictWords(found)).toBe(words);
  });

  it('tell a step that was done again', () => {
    const step = {
      atMs: 1,
      step: 'handled',
      type: 'payment.captured',
      eventId: 'e',
      handler: 'shipping/ShippingHandlers.ship',
      note: null,
    } as const;

    expect(stepWords(step, 1)).toBe('Shipping did its work for “Payment captured”, and it is committed.');
    expect(stepWords(step, 2)).toBe('Shipping did the work for “Payment captured” again: 2 times now.');
  });

  it('tell a step without a handler', () => {
    const step = { atMs: 1, step: 'delivered', type: '', eventId: 'e', handler: null, note: null } as const;

    expect(stepWords(step, 0)).toBe('“” reached the shop.');
  });
});
