/**
 * Compares the payments with the provider's own books: the one effect that happens outside of any transaction of
 * ours, and is kept to one by its idempotency key.
 */
import type { Books } from '../../apps/shop/src/audit/books.js';
import type { Charge } from './provider-server.js';

/** In words; empty where each payment was charged once and nothing else was. */
export function chargeFindings(
  { payments, orders }: Pick<Books, 'payments' | 'orders'>,
  charges: readonly Charge[],
): string[] {
  const found: string[] = [];
  for (const { id, totalCents } of orders) {
    const paid = payments.filter(({ orderId }) => orderId === id);
    const charged = charges.filter(({ orderId }) => orderId === id);
    if (charged.length !== paid.length)
      found.push(`order ${id} has ${paid.length} payments and was charged ${charged.length} times`);
    for (const { cents } of charged) {
      if (cents !== totalCents)
        found.push(`order ${id} costs ${totalCents} cents, and ${cents} were charged`);
    }
    if (paid[0]?.chargeId !== charged[0]?.chargeId) found.push(`order ${id} names another charge`);
  }
  const known = new Set(orders.map(({ id }) => id));
  for (const { orderId } of charges) {
    if (!known.has(orderId)) found.push(`order ${orderId} was charged and is not there`);
  }
  return found;
}
