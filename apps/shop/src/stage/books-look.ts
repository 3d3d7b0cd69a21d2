/**
 * The shop's figures as the page shows them, from one reading of the books.
 *
 * Counts rows of the business tables; what the audit says of them is the audit's.
 */
import { type AuditResult, audit } from '../audit/audit.js';
import type { Books, OrderRow } from '../audit/books.js';
import type { RecentOrder } from '../page/show-state.js';
import type { Look } from './messages.js';

const listed = 50;
const toldFindings = 20;

export function lookAt(books: Books, atRest: boolean): Omit<Look, 'memoryMiB'> {
  const result = audit(books, { atRest });
  const { orders } = books;
  const reached = (state: OrderRow['state']) => orders.filter((order) => order.state === state).length;
  const shipped = reached('shipped');
  return {
    orders: {
      placed: orders.length,
      paid: orders.filter(({ paidCents }) => paidCents > 0).length,
      shipped,
      cancelled: reached('cancelled'),
    },
    payments: books.payments.length,
    refusals: books.refusals.length,
    shipments: books.shipments.length,
    notifications: books.notifications.length,
    audit: {
      clean: result.clean,
      checked: result.checked,
      lost: result.lost,
      doubled: result.doubled,
      torn: result.torn,
      findings: result.findings.slice(0, toldFindings),
    },
    recent: recentOf(orders, result),
    atRest,
  };
}

/** The latest, those in trouble first. */
function recentOf(orders: readonly OrderRow[], { troubles }: AuditResult): RecentOrder[] {
  const latest = orders.toReversed().map(({ id, totalCents, state }) => {
    return { orderId: id, totalCents, state, trouble: troubles.get(id) ?? null };
  });
  const inTrouble = latest.filter(({ trouble }) => trouble !== null);
  return [...inTrouble, ...latest.filter(({ trouble }) => trouble === null)].slice(0, listed);
}
