import { describe, expect, it } from '@jest/globals';
import { auditOrders } from './outbox-run.js';

const published = { effects: 4, orders: 4, outbox: { events: 4, torn: 0 } };

describe('auditOrders', () => {
  it('finds nothing where each order has its event, or none is published', () => {
    expect(auditOrders(published, 4)).toEqual([]);
    expect(auditOrders({ effects: 4, orders: 4, outbox: null }, 4)).toEqual([]);
  });

  it.each([
    ['a lost order', { effects: 3, orders: 3 }, '3 orders, not 4'],
    ['an order that nobody placed', { effects: 5, orders: 5 }, '5 orders, not 4'],
    ['a doubled order', { effects: 5 }, '1 doubled'],
    ['a lost event', { outbox: { events: 3, torn: 1 } }, '3 events, not 4'],
    ['a doubled event', { outbox: { events: 5, torn: 0 } }, '5 events, not 4'],
    [
      'an order whose event is of another',
      { outbox: { events: 4, torn: 2 } },
      '2 orders without event, or events without order',
    ],
  ])('finds %s', (_, planted, finding) => {
    expect(auditOrders({ ...published, ...planted }, 4)).toContain(finding);
  });
});
