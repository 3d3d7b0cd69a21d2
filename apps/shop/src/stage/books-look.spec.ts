import { describe, expect, it } from '@jest/globals';
import type { Books, OrderRow } from '../audit/books.js';
import { lookAt } from './books-look.js';

const order = (number: number): OrderRow => ({
  id: `order-${number}`,
  totalCents: 5,
  paidCents: 5,
  state: 'shipped',
  shipped: true,
  cancelled: false,
});

/** That many orders, each paid, shipped and told once. */
function books(count: number): Books {
  const orders = Array.from({ length: count }, (_, number) => order(number));
  return {
    orders,
    payments: orders.map(({ id }) => ({ orderId: id, cents: 5, chargeId: `charge of ${id}` })),
    refusals: [],
    shipments: orders.map(({ id }) => ({ orderId: id })),
    notifications: orders.map(({ id }) => ({ orderId: id, about: 'shipped' })),
    accounts: [{ name: 'takings', cents: count * 5 }],
  };
}

describe('a look at the books', () => {
  it('counts each order for every stage that it has reached, and lists the latest 50', () => {
    const look = lookAt(books(60), true);

    expect(look).toMatchObject({
      orders: { placed: 60, paid: 60, shipped: 60, cancelled: 0 },
      payments: 60,
      audit: { clean: true, checked: 60 },
    });
    expect(look.recent.map(({ orderId }) => orderId)).toEqual(
      Array.from({ length: 50 }, (_, at) => `order-${59 - at}`),
    );
  });

  it('shows what is lost also where far more is doubled', () => {
    const all = books(100);
    const lost = new Set(['order-3', 'order-4']);
    const doubled = {
      ...all,
      payments: all.payments.flatMap((row) => (lost.has(row.orderId) ? [row] : [row, row])),
      accounts: [{ name: 'takings', cents: 5 * 198 }],
      shipments: all.shipments.filter(({ orderId }) => !lost.has(orderId)),
      orders: all.orders.map((one) =>
        lost.has(one.id) ? { ...one, shipped: false, state: 'paid' as const } : one,
      ),
      notifications: all.notifications.filter(({ orderId }) => !lost.has(orderId)),
    };

    const look = lookAt(doubled, true);

    expect(look.audit).toMatchObject({ lost: 2, doubled: 98, clean: false });
    expect(look.recent.slice(0, 3).map(({ trouble }) => trouble)).toEqual(['lost', 'lost', 'doubled']);
    expect(look.audit.findings).toHaveLength(20);
    expect(look.audit.findings.filter((finding) => /never shipped/.test(finding))).toHaveLength(2);
  });

  it('takes nothing for lost while something may still come', () => {
    const all = books(2);

    expect(
      lookAt(
        {
          ...all,
          shipments: [],
          notifications: [],
          orders: all.orders.map((one) => ({ ...one, shipped: false, state: 'paid' as const })),
        },
        false,
      ).audit.clean,
    ).toBe(true);
  });
});
