import { describe, expect, it } from '@jest/globals';
import { audit } from './audit.js';
import type { Books, OrderRow } from './books.js';

const payment = { orderId: 'a', cents: 5, chargeId: 'ch_1' };
const shipment = { orderId: 'a' };
const shippedNote = { orderId: 'a', about: 'shipped' } as const;
const shipped: OrderRow = {
  id: 'a',
  totalCents: 5,
  paidCents: 5,
  state: 'shipped',
  shipped: true,
  cancelled: false,
};
const refusal = { orderId: 'b', cents: 7 };
const cancelledNote = { orderId: 'b', about: 'cancelled' } as const;
const cancelled: OrderRow = {
  id: 'b',
  totalCents: 7,
  paidCents: 0,
  state: 'cancelled',
  shipped: false,
  cancelled: true,
};
/** One order that was paid, and one that was refused. */
const clean: Books = {
  acknowledged: ['a', 'b'],
  orders: [shipped, cancelled],
  payments: [payment],
  refusals: [refusal],
  shipments: [shipment],
  notifications: [shippedNote, cancelledNote],
  accounts: [{ name: 'takings', cents: 5 }],
};
const inFlight: OrderRow = { ...shipped, id: 'c', paidCents: 0, state: 'placed', shipped: false };

type Planted = readonly [title: string, change: Partial<Books>, finding: string];

const lost: Planted[] = [
  ['an order', { acknowledged: ['c'] }, 'order c was acknowledged and is not there'],
  ['a payment', { payments: [], accounts: [] }, 'order a was neither paid nor refused'],
  ['a refusal', { refusals: [] }, 'order b was neither paid nor refused'],
  ['a shipment', { shipments: [] }, 'order a was paid and never shipped'],
  ['a notification', { notifications: [shippedNote] }, 'order b has no notification'],
  ['a mark', { orders: [{ ...shipped, paidCents: 0 }, cancelled] }, 'order a was paid and is not marked so'],
  [
    'another',
    { orders: [{ ...shipped, shipped: false }, cancelled] },
    'order a was shipped and is not marked so',
  ],
  [
    'a cancellation',
    { orders: [shipped, { ...cancelled, cancelled: false }] },
    'order b was refused and never cancelled',
  ],
];

const doubled: Planted[] = [
  ['a payment', { payments: [payment, payment] }, 'order a has 2 payments'],
  ['a refusal', { refusals: [refusal, refusal] }, 'order b has 2 refusals'],
  ['a shipment', { shipments: [shipment, shipment] }, 'order a has 2 shipments'],
  [
    'a notification',
    { notifications: [shippedNote, cancelledNote, cancelledNote] },
    'order b has 2 notifications',
  ],
  [
    'a mark',
    { orders: [{ ...shipped, paidCents: 10 }, cancelled] },
    'order a costs 5 cents and is marked as paid with 10',
  ],
];

const torn: Planted[] = [
  [
    'a wrong amount',
    { payments: [{ ...payment, cents: 6 }], accounts: [{ name: 'takings', cents: 6 }] },
    'order a costs 5 cents, not 6',
  ],
  ['a wrong refusal', { refusals: [{ ...refusal, cents: 6 }] }, 'order b costs 7 cents, not 6'],
  ['two outcomes', { refusals: [refusal, { orderId: 'a', cents: 5 }] }, 'order a was both paid and refused'],
  [
    'two ends',
    { orders: [{ ...shipped, cancelled: true }, cancelled] },
    'order a is both shipped and cancelled',
  ],
  [
    'half a mark',
    { orders: [{ ...shipped, paidCents: 3 }, cancelled] },
    'order a is marked as paid with 3 of 5 cents',
  ],
  ['an unpaid parcel', { payments: [], accounts: [] }, 'order a was shipped and not paid'],
  ['a lie', { shipments: [] }, 'order a is said to be shipped and is not'],
  [
    'another lie',
    { orders: [shipped, { ...cancelled, cancelled: false }] },
    'order b is said to be cancelled and is not',
  ],
  ['hearsay of a payment', { payments: [], accounts: [] }, 'order a is marked as paid without a payment'],
  ['hearsay of a shipment', { shipments: [] }, 'order a is marked as shipped without a shipment'],
  ['hearsay of a refusal', { refusals: [] }, 'order b is cancelled without a refusal'],
  [
    'a phantom',
    { shipments: [shipment, { orderId: 'z' }] },
    'order z is not there, but something was done for it',
  ],
  [
    'a charge of two orders',
    {
      orders: [shipped, cancelled, { ...shipped, id: 'c' }],
      payments: [payment, { ...payment, orderId: 'c' }],
      shipments: [shipment, { orderId: 'c' }],
      notifications: [shippedNote, cancelledNote, { orderId: 'c', about: 'shipped' }],
      accounts: [{ name: 'takings', cents: 10 }],
    },
    'charge ch_1 is that of 2 orders',
  ],
  [
    'a wrong account',
    { accounts: [{ name: 'takings', cents: 10 }] },
    'the account holds 10 cents, and the payments are 5 cents',
  ],
];

describe('audit', () => {
  it('is clean where each order came to one of its two ends, once', () => {
    expect(audit(clean)).toEqual({
      clean: true,
      checked: 2,
      lost: 0,
      doubled: 0,
      torn: 0,
      findings: [],
      lines: { lost: [], doubled: [], torn: [] },
      troubles: new Map(),
    });
  });

  it('finds an order that nobody asked for, where it is known what was asked for', () => {
    const found = audit({ ...clean, wanted: ['a'] });

    expect(found).toMatchObject({ clean: false, lost: 0, doubled: 1, torn: 0 });
    expect(found.findings).toEqual(['order b was ordered by nobody']);
    expect(audit({ ...clean, wanted: ['a', 'b', 'c'] }).clean).toBe(true);
  });

  it('gives each order one line for each trouble', () => {
    const found = audit({
      ...clean,
      acknowledged: ['a', 'b', 'c'],
      notifications: [shippedNote, shippedNote, shippedNote, cancelledNote],
      shipments: [shipment, shipment],
    });

    expect(found.lines).toEqual({
      lost: ['order c was acknowledged and is not there'],
      doubled: ['order a has 3 notifications, has 2 shipments'],
      torn: [],
    });
  });

  it.each(lost)('finds that %s is lost', (_, change, finding) => {
    const found = audit({ ...clean, ...change });

    expect(found.findings).toContain(finding);
    expect(found).toMatchObject({ clean: false, lost: 1 });
  });

  it.each(doubled)('finds that %s is doubled', (_, change, finding) => {
    const found = audit({ ...clean, ...change });

    expect(found.findings).toContain(finding);
    expect(found).toMatchObject({ clean: false, doubled: 1 });
  });

  it.each(torn)('finds %s', (_, change, finding) => {
    const found = audit({ ...clean, ...change });

    expect(found.findings).toContain(finding);
    expect(found).toMatchObject({ clean: false, torn: 1 });
  });

  it('counts an order once for each trouble, and names the first', () => {
    const found = audit({ ...clean, payments: [payment, payment], shipments: [] });

    expect(found).toMatchObject({ lost: 1, doubled: 1, torn: 2 });
    expect(found.troubles).toEqual(new Map([['a', 'lost']]));
  });

  it('waits, while the shop works, for what may still come', () => {
    const working = { ...clean, acknowledged: ['a', 'b', 'c'], orders: [shipped, cancelled, inFlight] };

    expect(audit(working, { atRest: false }).findings).toEqual([]);
    expect(audit(working).findings).toEqual(['order c was neither paid nor refused']);
  });

  it('does not wait, while the shop works, for what can never come right', () => {
    const working = { ...clean, acknowledged: ['d'], shipments: [shipment, shipment] };

    expect(audit(working, { atRest: false })).toMatchObject({ lost: 1, doubled: 1, torn: 0 });
  });
});
