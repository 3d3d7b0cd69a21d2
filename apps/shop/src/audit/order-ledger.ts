/**
 * The books laid out by order: everything that any service has about it, side by side.
 * Judges nothing; a row of an order that nobody has keeps its place.
 */
import type { Books, EffectRow, NotificationRow, OrderRow, PaymentRow, RefusalRow } from './books.js';

export interface OrderLedger {
  /** Whether its customer was told that it is placed. */
  acknowledged: boolean;
  order: OrderRow | null;
  readonly payments: PaymentRow[];
  readonly refusals: RefusalRow[];
  readonly shipments: EffectRow[];
  readonly notifications: NotificationRow[];
}

/** By order; those first that were acknowledged, then in the order of the tables. */
export function orderLedgers(books: Books): ReadonlyMap<string, OrderLedger> {
  const ledgers = new Map<string, OrderLedger>();
  const of = (orderId: string): OrderLedger => {
    const known = ledgers.get(orderId) ?? blank();
    ledgers.set(orderId, known);
    return known;
  };
  for (const id of books.acknowledged ?? []) of(id).acknowledged = true;
  for (const order of books.orders) of(order.id).order = order;
  for (const payment of books.payments) of(payment.orderId).payments.push(payment);
  for (const refusal of books.refusals) of(refusal.orderId).refusals.push(refusal);
  for (const shipment of books.shipments) of(shipment.orderId).shipments.push(shipment);
  for (const notification of books.notifications) of(notification.orderId).notifications.push(notification);
  return ledgers;
}

function blank(): OrderLedger {
  return { acknowledged: false, order: null, payments: [], refusals: [], shipments: [], notifications: [] };
}
