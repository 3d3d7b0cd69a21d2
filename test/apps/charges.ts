/**
 * Compares payments and notifications with the providers' own books: the effects that happen outside of any
 * transaction of ours, and are kept to one by their idempotency keys.
 */
import type { Books } from '../../apps/shop/src/audit/books.js';
import type { SentMail } from './mail-server.js';
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

/** In words; empty where each notification was sent as one mail, and nothing else was. */
export function mailFindings(
  { notifications }: Pick<Books, 'notifications'>,
  mails: readonly SentMail[],
): string[] {
  const orders = new Set([...notifications, ...mails].map(({ orderId }) => orderId));
  const of = (order: string, all: readonly { readonly orderId: string }[]) =>
    all.filter(({ orderId }) => orderId === order).length;
  return [...orders]
    .map((id) => ({ id, told: of(id, notifications), sent: of(id, mails) }))
    .filter(({ told, sent }) => told !== sent)
    .map(({ id, told, sent }) => `order ${id} has ${told} notifications and ${sent} mails`);
}
