/**
 * What the supervisor and the shop's process say to each other: commands over Node's IPC channel, reports as JSON
 * lines on a pipe of their own.
 *
 * A report is written before the process goes on, so what was reported is known also of one that is killed then.
 */
import type { Audit, JourneyStep, OrderCounts, RecentOrder } from '../page/show-state.js';

/** How a shop is to be started: one JSON argument. */
export interface StagePlan {
  /** Of the embedded database. */
  readonly folder: string;
  readonly seed: number;
  /** Counts the process's predecessors in the run: the copies of each are its own. */
  readonly crashes: number;
  /** Copies that each event is sent in on top of the first, on average. */
  readonly copies: number;
  /** True: the protection is off. */
  readonly unsafe: boolean;
  /** How many orders the run places; with the seed they say which. */
  readonly orders: number;
}

export type Command =
  /** Stop within the next open transaction that fits, and say so: the kill comes then. */
  | { readonly kind: 'hold'; readonly where: HoldPlace }
  /**
   * Read the books; `acknowledged` are the orders that were confirmed to a customer since the last look. `final`: no
   * more are placed, so the shop may come to rest, and what is then missing is lost.
   */
  | { readonly kind: 'look'; readonly acknowledged: readonly string[]; readonly final: boolean };

/** Of a handlers' transaction: before its outbox is written, or before COMMIT. Of an order that is placed: the latter. */
export type HoldPlace = 'before-seal' | 'before-commit' | 'placing';

/** An event that is under way, as far as a journey tells of it. */
export interface EventMark {
  readonly type: string;
  readonly eventId: string;
  /** The event's key: the order that it is about. */
  readonly orderId: string;
  /** `null` where it is not in a handler's hands. */
  readonly handler: string | null;
}

export interface ReportedStep extends EventMark {
  readonly step: Exclude<JourneyStep['step'], 'crash'>;
  readonly note: string | null;
}

/** The shop's figures, from its business tables but for the last two. */
export interface Look {
  readonly orders: Omit<OrderCounts, 'wanted'>;
  readonly payments: number;
  readonly refusals: number;
  readonly shipments: number;
  readonly notifications: number;
  readonly audit: Omit<Audit, 'atMs'>;
  readonly recent: readonly RecentOrder[];
  readonly memoryMiB: number;
  /** The most that this process has taken so far, also between two looks. */
  readonly mostMemoryMiB: number;
  /** Looked at for the last time, and nothing waits: in the outbox, in the log, as a copy, in a handler's hands. */
  readonly atRest: boolean;
}

export type Report =
  | { readonly kind: 'ready'; readonly port: number }
  | { readonly kind: 'steps'; readonly steps: readonly ReportedStep[] }
  /** It stands within an open transaction and goes no further; `written` is what is not committed. */
  | { readonly kind: 'held'; readonly where: HoldPlace; readonly written: readonly EventMark[] }
  | { readonly kind: 'look'; readonly look: Look };
