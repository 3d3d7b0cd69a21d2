import { describe, expect, it } from '@jest/globals';
import { auditBooks, type Books } from './books.js';

const payment = { orderId: 'a', cents: 5, chargeId: 'ch_1' };
const clean: Books = {
  acknowledged: ['a'],
  orders: [{ id: 'a', totalCents: 5, state: 'paid' }],
  payments: [payment],
  charges: [payment],
  deadLetters: 0,
};

describe('auditBooks', () => {
  it('finds nothing where each order was paid once', () => {
    expect(auditBooks(clean)).toEqual([]);
  });

  it.each<[string, Partial<Books>, string]>([
    ['a lost order', { acknowledged: ['a', 'b'] }, 'order b was acknowledged and is lost'],
    ['an unpaid order', { orders: [{ ...clean.orders[0]!, state: 'placed' }] }, 'order a is placed'],
    ['a lost payment', { payments: [] }, 'order a has 0 payments'],
    ['a doubled payment', { payments: [payment, payment] }, 'order a has 2 payments'],
    ['a doubled charge', { charges: [payment, payment] }, 'order a was charged 2 times'],
    ['a wrong amount', { payments: [{ ...payment, cents: 6 }] }, 'order a costs 5 cents, not 6'],
    ['another charge', { payments: [{ ...payment, chargeId: 'ch_2' }] }, 'order a names another charge'],
    [
      'a phantom',
      { payments: [payment, { ...payment, orderId: 'z' }] },
      'order z was paid and does not exist',
    ],
    ['a dead letter', { deadLetters: 1 }, '1 dead letters'],
  ])('finds %s', (_, planted, finding) => {
    const found = auditBooks({ ...clean, ...planted });

    expect(found).toContain(finding);
  });
});
