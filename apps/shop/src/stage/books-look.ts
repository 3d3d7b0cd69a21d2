/**
 * The shop's figures as the page shows them, from one reading of the books.
 *
 * Counts rows of the business tables; what the audit says of them is the audit's.
 */
import { type AuditResult, audit, type Trouble } from '../audit/audit.js';
import type { Books, OrderRow } from '../audit/books.js';
import type { RecentOrder } from '../page/show-state.js';
import type { Look } from './messages.js';

const listed = 50;
const toldFindings = 20;

/** `atRest`: nothing may still come, so what is missing is lost. */
export function lookAt(books: Books, atRest: boolean): Omit<Look, 'memoryMiB' | 'mostMemoryMiB'> {
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
      findings: shared([result.lines.lost, result.lines.torn, result.lines.doubled], toldFindings),
    },
    recent: recentOf(orders, result),
    atRest,
  };
}

/** The latest, those in trouble first: of each trouble as many as there is room for. */
function recentOf(orders: readonly OrderRow[], { troubles }: AuditResult): RecentOrder[] {
  const latest = orders.toReversed().map(({ id, totalCents, state }) => {
    return { orderId: id, totalCents, state, trouble: troubles.get(id) ?? null };
  });
  const of = (kind: Trouble) => latest.filter(({ trouble }) => trouble === kind);
  const inTrouble = shared([of('lost'), of('torn'), of('doubled')], listed);
  return [...inTrouble, ...latest.filter(({ trouble }) => trouble === null)].slice(0, listed);
}

/** At most `room` items, from each list as many as its share; what one leaves is the next one's. */
function shared<T>(lists: readonly (readonly T[])[], room: number): T[] {
  const taken = lists.map(() => 0);
  for (let left = room; left > 0; ) {
    const before = left;
    for (const [at, list] of lists.entries()) {
      if (left === 0 || taken[at]! >= list.length) continue;
      taken[at]!++;
      left--;
    }
    if (left === before) break;
  }
  return lists.flatMap((list, at) => list.slice(0, taken[at]));
}
