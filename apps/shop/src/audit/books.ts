/**
 * What the four services believe: the rows of their business tables, and nothing of the framework's own (`eo_*`),
 * which could only repeat the mistake that is looked for. Read from one database or from several.
 */
import { notificationBooks, orderBooks, paymentBooks, shippingBooks } from './books.sql.js';

export interface Books {
  /** What customers were told: ids of orders that were answered with 201. Left out where nobody kept them. */
  readonly acknowledged?: readonly string[];
  /** Ids of all orders that customers will ever have asked for; an order beside them is one too many. */
  readonly wanted?: readonly string[];
  readonly orders: readonly OrderRow[];
  readonly payments: readonly PaymentRow[];
  readonly refusals: readonly RefusalRow[];
  readonly shipments: readonly EffectRow[];
  readonly notifications: readonly NotificationRow[];
  readonly accounts: readonly AccountRow[];
}

export interface OrderRow {
  readonly id: string;
  readonly totalCents: number;
  /** Sum of the payments that orders has heard of. */
  readonly paidCents: number;
  readonly state: 'placed' | 'paid' | 'shipped' | 'cancelled';
  readonly shipped: boolean;
  readonly cancelled: boolean;
}

/** Something that was done for an order. No table has a unique constraint on the order. */
export interface EffectRow {
  readonly orderId: string;
}

export interface PaymentRow extends EffectRow {
  readonly cents: number;
  readonly chargeId: string;
}

export interface RefusalRow extends EffectRow {
  readonly cents: number;
}

export interface NotificationRow extends EffectRow {
  readonly about: 'shipped' | 'cancelled';
}

/** A sum over payments, kept by adding. */
export interface AccountRow {
  readonly name: string;
  readonly cents: number;
}

/** Runs a statement and resolves with its rows: `(sql) => dataSource.query(sql)`. */
// biome-ignore lint/suspicious/noExplicitAny: rows have the shape of their statement
export type RunQuery = (sql: string) => Promise<readonly any[]>;

/** The database of each service. */
export interface BookSources {
  readonly orders: RunQuery;
  readonly payments: RunQuery;
  readonly shipping: RunQuery;
  readonly notifications: RunQuery;
}

/**
 * Reads effects before their causes, so that also while the shop works no row is seen without the row it came from.
 * One database where a function is given, else that of each service.
 */
export async function readBooks(
  from: RunQuery | BookSources,
): Promise<Omit<Books, 'acknowledged' | 'wanted'>> {
  const sources =
    typeof from === 'function' ? { orders: from, payments: from, shipping: from, notifications: from } : from;
  const [{ notifications }] = await one(sources.notifications, notificationBooks);
  const [{ shipments }] = await one(sources.shipping, shippingBooks);
  const [{ payments, refusals, accounts }] = await one(sources.payments, paymentBooks);
  const [{ orders }] = await one(sources.orders, orderBooks);
  return { orders, payments, refusals, shipments, notifications, accounts };
}

async function one(run: RunQuery, sql: string): Promise<[Omit<Books, 'acknowledged'>]> {
  const [row] = await run(sql);
  return [row];
}
