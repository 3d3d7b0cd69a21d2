/**
 * What the page shows of a run, and the source that it is read from: the contract between the supervisor, which
 * counts, and the page, which only shows. Everything is plain JSON. Times are milliseconds since the run began,
 * amounts are cents.
 */

/** The whole of what the page shows at one moment, apart from journeys. */
export interface ShowState {
  /** `unsafe`: the protection is switched off, to see what would have happened. */
  readonly mode: 'protected' | 'unsafe';
  readonly phase: ShowPhase;
  /** Repeats the run's choices. */
  readonly seed: number;
  /** The command that makes the same choices again, with every option that is not the default. */
  readonly again: string;
  readonly elapsedMs: number;
  readonly orders: OrderCounts;
  /** Payments that were captured. */
  readonly payments: number;
  /** Payments that were refused; the order is then cancelled. */
  readonly refusals: number;
  readonly shipments: number;
  readonly notifications: number;
  /** Messages handed to handlers, copies included. */
  readonly deliveries: number;
  /** Copies of which the inbox said that they had been handled. */
  readonly duplicatesAbsorbed: number;
  /** Each SIGKILL, the oldest first. */
  readonly crashes: readonly Crash[];
  /** The latest audit, null before the first. */
  readonly audit: Audit | null;
  /** Memory of the shop's process, in MiB. */
  readonly memoryMiB: number;
  /** The latest 50 orders, those in trouble first. */
  readonly recent: readonly RecentOrder[];
}

/**
 * `starting` until the shop answers, `running` while it works, `crashed` from a kill until the next start begins,
 * `restarting` until it works again, `draining` when all orders are placed and the rest is worked off, then `done`.
 */
export type ShowPhase = 'starting' | 'running' | 'crashed' | 'restarting' | 'draining' | 'done';

/** How many orders have come how far: each counts for every stage that it has reached, so `placed` never falls. */
export interface OrderCounts {
  /** How many the run is to place. */
  readonly wanted: number;
  readonly placed: number;
  readonly paid: number;
  readonly shipped: number;
  readonly cancelled: number;
}

/** One SIGKILL of the shop's process. */
export interface Crash {
  readonly atMs: number;
  /** Shown to be so by what the process had reported before it died, not guessed. */
  readonly transactionOpen: boolean;
  /** Events whose effects were written and not yet committed at that moment. */
  readonly handlersDone: number;
  /** What the kill cost, as a sentence; left out where it cost nothing. */
  readonly lost?: string;
}

/** What a query over the business tables found that uses neither inbox nor outbox. */
export interface Audit {
  readonly atMs: number;
  /** True where `lost`, `doubled` and `torn` are all 0. */
  readonly clean: boolean;
  /** Orders looked at. */
  readonly checked: number;
  /** Orders of which an effect is missing. */
  readonly lost: number;
  /** Orders of which an effect is there more than once. */
  readonly doubled: number;
  /** Orders of which the books disagree with one another. */
  readonly torn: number;
  /** The first 20, each a sentence for a human reader. */
  readonly findings: readonly string[];
}

/** An order in the list of the page. */
export interface RecentOrder {
  readonly orderId: string;
  readonly totalCents: number;
  readonly state: 'placed' | 'paid' | 'shipped' | 'cancelled';
  /** What the latest audit says of it. */
  readonly trouble: null | 'lost' | 'doubled' | 'torn';
}

/** Something that happened to an event of an order. */
export interface JourneyStep {
  readonly atMs: number;
  /**
   * `published` into the outbox; `relayed` to the broker; `delivered` to a handler; `handled`: its effects are
   * committed; `duplicate`: a copy that was absorbed; `rolled-back`: nothing that it wrote remains; `crash`: the
   * process was killed while the event was under way.
   */
  readonly step: 'published' | 'relayed' | 'delivered' | 'handled' | 'duplicate' | 'rolled-back' | 'crash';
  /** The event's type, as `order.placed`. */
  readonly type: string;
  readonly eventId: string;
  /** Name of the handler as `payments/PaymentHandlers.capture`, null where none is concerned. */
  readonly handler: string | null;
  /** More for a human reader, shown as it stands. */
  readonly note: string | null;
}

/** Where the page takes what it shows from. None of these may throw or wait. */
export interface ShowSource {
  /** The state now. Asked for at most four times a second, however many look at the page, and once per request. */
  state(): ShowState;
  /** `listener` is called after each change, as often as one likes; the result ends that. */
  subscribe(listener: () => void): () => void;
  /** What happened to the order's events, the oldest first; null where the order is not known. */
  journey(orderId: string): readonly JourneyStep[] | null;
}
