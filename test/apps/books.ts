/**
 * Compares what the two services and the provider each believe, after the shop came to rest. The tables have no
 * unique constraint on an order's id, which would hide a payment that happened twice.
 */
import type { Charge } from './provider-server.js';

export interface Books {
  /** What customers were told: ids answered with 201. */
  readonly acknowledged: readonly string[];
  readonly orders: readonly { readonly id: string; readonly totalCents: number; readonly state: string }[];
  readonly payments: readonly {
    readonly orderId: string;
    readonly cents: number;
    readonly chargeId: string;
  }[];
  /** The provider's, by idempotency key. */
  readonly charges: readonly Charge[];
  /** Events that a service gave up. */
  readonly deadLetters: number;
}

/** What is wrong with them, in words; empty where each order was paid once. */
export function auditBooks({ acknowledged, orders, payments, charges, deadLetters }: Books): string[] {
  const found: string[] = [];
  const known = new Set(orders.map(({ id }) => id));
  for (const id of acknowledged) if (!known.has(id)) found.push(`order ${id} was acknowledged and is lost`);
  for (const { id, totalCents, state } of orders) {
    if (state !== 'paid') found.push(`order ${id} is ${state}`);
    const paid = payments.filter(({ orderId }) => orderId === id);
    if (paid.length !== 1) found.push(`order ${id} has ${paid.length} payments`);
    const charged = charges.filter(({ orderId }) => orderId === id);
    if (charged.length !== 1) found.push(`order ${id} was charged ${charged.length} times`);
    for (const { cents } of [...paid, ...charged]) {
      if (cents !== totalCents) found.push(`order ${id} costs ${totalCents} cents, not ${cents}`);
    }
    if (paid[0]?.chargeId !== charged[0]?.chargeId) found.push(`order ${id} names another charge`);
  }
  for (const { orderId } of [...payments, ...charges]) {
    if (!known.has(orderId)) found.push(`order ${orderId} was paid and does not exist`);
  }
  if (deadLetters > 0) found.push(`${deadLetters} dead letters`);
  return found;
}
