import { describe, expect, it } from '@jest/globals';
import type { OrderRow } from '../../apps/shop/src/audit/books.js';
import { chargeFindings, mailFindings } from './charges.js';

const order: OrderRow = {
  id: 'a',
  totalCents: 5,
  paidCents: 5,
  state: 'paid',
  shipped: false,
  cancelled: false,
};
const payment = { orderId: 'a', cents: 5, chargeId: 'ch_1' };
const books = { orders: [order, { ...order, id: 'refused' }], payments: [payment] };

describe('chargeFindings', () => {
  it('finds nothing where each payment was charged once', () => {
    expect(chargeFindings(books, [payment])).toEqual([]);
  });

  it.each([
    ['a doubled charge', [payment, payment], 'order a has 1 payments and was charged 2 times'],
    ['a missing charge', [], 'order a has 1 payments and was charged 0 times'],
    ['a wrong amount', [{ ...payment, cents: 6 }], 'order a costs 5 cents, and 6 were charged'],
    ['another charge', [{ ...payment, chargeId: 'ch_2' }], 'order a names another charge'],
    ['a phantom', [payment, { ...payment, orderId: 'z' }], 'order z was charged and is not there'],
    [
      'a refused order that was charged',
      [payment, { ...payment, orderId: 'refused' }],
      'order refused has 0 payments and was charged 1 times',
    ],
  ])('finds %s', (_, charges, finding) => {
    expect(chargeFindings(books, charges)).toContain(finding);
  });
});

describe('mailFindings', () => {
  const notifications = [{ orderId: 'a', about: 'shipped' as const }];
  const mail = { orderId: 'a', text: 'on its way' };

  it('finds nothing where each notification is one mail', () => {
    expect(mailFindings({ notifications }, [mail])).toEqual([]);
  });

  it.each([
    ['a doubled mail', [mail, mail], 'order a has 1 notifications and 2 mails'],
    ['a missing mail', [], 'order a has 1 notifications and 0 mails'],
    ['a phantom', [mail, { ...mail, orderId: 'z' }], 'order z has 0 notifications and 1 mails'],
  ])('finds %s', (_, mails, finding) => {
    expect(mailFindings({ notifications }, mails)).toEqual([finding]);
  });
});
