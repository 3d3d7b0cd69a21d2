/**
 * Compares the books of the four services, order by order: each must have ended as paid, shipped and notified, or as
 * refused, cancelled and notified, with one row of each. Knows the business tables only, and never asks the inbox.
 */
import type { Books, OrderRow } from './books.js';
import { type OrderLedger, orderLedgers } from './order-ledger.js';

/** `lost`: something is missing. `doubled`: it is there more than once. `torn`: the books disagree. */
export type Trouble = 'lost' | 'doubled' | 'torn';

export interface AuditResult {
  /** True where nothing is lost, doubled or torn. */
  readonly clean: boolean;
  /** Orders looked at, those included of which only a trace was found. */
  readonly checked: number;
  /** Orders in this trouble; one may be in several. */
  readonly lost: number;
  readonly doubled: number;
  /** A wrong account, and a charge of several orders, count here as one more each. */
  readonly torn: number;
  /** All of them, each a sentence for a human reader. */
  readonly findings: readonly string[];
  /** The same by trouble, one line an order. */
  readonly lines: Readonly<Record<Trouble, readonly string[]>>;
  /** By order: the first of `lost`, `doubled`, `torn` that it is in. */
  readonly troubles: ReadonlyMap<string, Trouble>;
}

export interface AuditOptions {
  /**
   * False while the shop works: what is missing may still come, so only an order that was acknowledged can be lost.
   * Holds where `readBooks` was called after the last of `acknowledged` was answered. Default true.
   */
  readonly atRest?: boolean;
}

type Finding = readonly [trouble: Trouble, what: string];

const kinds: readonly Trouble[] = ['lost', 'doubled', 'torn'];

export function audit(books: Books, { atRest = true }: AuditOptions = {}): AuditResult {
  const ledgers = orderLedgers(books);
  const ordered = books.wanted === undefined ? null : new Set(books.wanted);
  const lines: Record<Trouble, string[]> = { lost: [], doubled: [], torn: [] };
  const findings: string[] = [];
  const troubles = new Map<string, Trouble>();
  for (const [orderId, ledger] of ledgers) {
    const found = findingsOf(ledger, atRest);
    if (ordered?.has(orderId) === false) found.push(['doubled', 'was ordered by nobody']);
    findings.push(...found.map(([, what]) => `order ${orderId} ${what}`));
    for (const kind of kinds) {
      const whats = found.filter(([trouble]) => trouble === kind).map(([, what]) => what);
      if (whats.length > 0) lines[kind].push(`order ${orderId} ${whats.join(', ')}`);
      if (whats.length > 0 && !troubles.has(orderId)) troubles.set(orderId, kind);
    }
  }
  const torn = [accountFinding(books), ...sharedCharges(books)].filter((what) => what !== null);
  lines.torn.push(...torn);
  findings.push(...torn);
  const counts = { lost: lines.lost.length, doubled: lines.doubled.length, torn: lines.torn.length };
  return { clean: findings.length === 0, checked: ledgers.size, ...counts, findings, lines, troubles };
}

function findingsOf(ledger: OrderLedger, atRest: boolean): Finding[] {
  const { order } = ledger;
  if (order === null) return [orderMissing(ledger)];
  const found = [...doubles(order, ledger), ...disagreements(order, ledger)];
  return atRest ? [...found, ...missing(order, ledger), ...hearsay(order, ledger)] : found;
}

function orderMissing({ acknowledged }: OrderLedger): Finding {
  return acknowledged
    ? ['lost', 'was acknowledged and is not there']
    : ['torn', 'is not there, but something was done for it'];
}

function doubles({ totalCents, paidCents }: OrderRow, ledger: OrderLedger): Finding[] {
  const rows = { payments: ledger.payments, refusals: ledger.refusals, notifications: ledger.notifications };
  const found = Object.entries({ ...rows, shipments: ledger.shipments })
    .filter(([, { length }]) => length > 1)
    .map(([what, { length }]): Finding => ['doubled', `has ${length} ${what}`]);
  if (paidCents > totalCents)
    found.push(['doubled', `costs ${totalCents} cents and is marked as paid with ${paidCents}`]);
  return found;
}

/** What cannot be, at rest or not: a row without the one that it comes from, or two that exclude each other. */
function disagreements(order: OrderRow, ledger: OrderLedger): Finding[] {
  const { payments, refusals, shipments, notifications } = ledger;
  const { totalCents, paidCents, shipped, cancelled } = order;
  const found: Finding[] = [];
  const torn = (is: boolean, what: string) => {
    if (is) found.push(['torn', what]);
  };
  for (const { cents } of [...payments, ...refusals])
    torn(cents !== totalCents, `costs ${totalCents} cents, not ${cents}`);
  torn(paidCents > 0 && paidCents < totalCents, `is marked as paid with ${paidCents} of ${totalCents} cents`);
  torn(payments.length > 0 && refusals.length > 0, 'was both paid and refused');
  torn(shipped && cancelled, 'is both shipped and cancelled');
  torn(shipments.length > 0 && payments.length === 0, 'was shipped and not paid');
  const told = new Set(notifications.map(({ about }) => about));
  torn(told.has('shipped') && shipments.length === 0, 'is said to be shipped and is not');
  torn(told.has('cancelled') && !cancelled, 'is said to be cancelled and is not');
  return found;
}

/** What should have come. */
function missing(order: OrderRow, { payments, refusals, shipments, notifications }: OrderLedger): Finding[] {
  const found: Finding[] = [];
  const lost = (is: boolean, what: string) => {
    if (is) found.push(['lost', what]);
  };
  const [paid, refused] = [payments.length > 0, refusals.length > 0];
  lost(!paid && !refused, 'was neither paid nor refused');
  lost(paid && order.paidCents === 0, 'was paid and is not marked so');
  lost(paid && shipments.length === 0, 'was paid and never shipped');
  lost(shipments.length > 0 && !order.shipped, 'was shipped and is not marked so');
  lost(refused && !order.cancelled, 'was refused and never cancelled');
  lost((paid || refused) && notifications.length === 0, 'has no notification');
  return found;
}

/** An order that is marked as something that nobody did. Its own row is read last, so this holds at rest only. */
function hearsay(order: OrderRow, { payments, refusals, shipments }: OrderLedger): Finding[] {
  const found: Finding[] = [];
  if (order.paidCents > 0 && payments.length === 0)
    found.push(['torn', 'is marked as paid without a payment']);
  if (order.shipped && shipments.length === 0)
    found.push(['torn', 'is marked as shipped without a shipment']);
  if (order.cancelled && refusals.length === 0) found.push(['torn', 'is cancelled without a refusal']);
  return found;
}

function accountFinding({ accounts, payments }: Books): string | null {
  const sum = (rows: readonly { readonly cents: number }[]) =>
    rows.reduce((all, { cents }) => all + cents, 0);
  const [held, paid] = [sum(accounts), sum(payments)];
  return held === paid ? null : `the account holds ${held} cents, and the payments are ${paid} cents`;
}

/** What the provider took once and two orders call theirs. */
function sharedCharges({ payments }: Books): string[] {
  const orders = new Map<string, Set<string>>();
  for (const { chargeId, orderId } of payments) {
    orders.set(chargeId, (orders.get(chargeId) ?? new Set()).add(orderId));
  }
  return [...orders].flatMap(([charge, ids]) =>
    ids.size > 1 ? [`charge ${charge} is that of ${ids.size} orders`] : [],
  );
}
