/**
 * A handler as core sees it: a name, a type, options and a function. The Nest module makes these from
 * decorators.
 */
import type { EventTypeDescriptor } from '../event/event-type.js';
import type { RetryPolicy } from '../failure/failure-policy.js';
import type { EventContext } from './event-context.js';

export type EventOrder = 'key' | 'partition' | 'none';

export interface HandlerOptions {
  /**
   * `database`: what the handler writes and publishes commits in the database. `kafka`: what it publishes and the
   * offset commit in one Kafka transaction, with no database; it may be called again for an event that did not
   * commit, and has no inbox behind it. All handlers of a topic say the same. Default `database`.
   */
  readonly transaction?: 'database' | 'kafka';
  /**
   * `batch`: shares one transaction with its neighbours; a neighbour's failure runs the handler again.
   * `event`: its own transaction; required for calls to other systems, `SET LOCAL` and temporary tables (`ON COMMIT
   * DROP`); what would outlive the transaction (plain `SET`, `set_config(…, false)`) is refused in both.
   * Handlers of one type take each event together: beside one with `event` the transactions of the others hold a single
   * event, too. Where that is too slow, give it a group of its own (another instance). Default `batch`.
   */
  readonly commit?: 'batch' | 'event';
  /** Milliseconds until the signal aborts and the transaction is rolled back. 1 to 2,147,483,647. Default 30,000. */
  readonly timeoutMs?: number;
  /**
   * Makes it a batch handler: the fresh events of a transaction come as an array, in order, up to this many in one
   * call, and never more than the engine's `batch.maxEvents`. `timeoutMs` is the call's. Where a call fails its events
   * are tried in halves, so that only the one that fails alone is retried or dead-lettered. 1 to 10,000. Not with
   * `commit: 'event'`, nor behind another transport. Default: one event a call, and no array.
   */
  readonly batch?: number;
  /**
   * How a delivery is known that was handled before.
   *
   * `inbox`: by its event's id, wherever it comes again; costs a row for each event, kept for
   * `retention.windowDays`.
   * `offset`: by its position alone, which moves in the handler's own transaction; costs no row, and the handler's
   * effects are once for each record of the log. The same id at another offset (a producer's retry, a copy) runs again,
   * and no body is compared. A log that was replaced cannot be told apart from new records: its partitions stop with
   * EO_LOG_CHANGED, for all handlers of the topic, and offsets that are set back at the broker alone are not followed.
   * Needs a broker with positions (Kafka, the database). Change it while the group has no lag. Default `inbox`.
   */
  readonly dedup?: 'inbox' | 'offset';
  /** How often and when a failed event is tried again. Default: the engine's, field by field. */
  readonly retry?: Partial<RetryPolicy>;
  /**
   * What waits for an event that failed and is to be tried again.
   *
   * `key`: later events of its key, in order; the event waits in the database (parked), those behind it too, and all
   * others go on. `none`: nothing; it is parked by itself. `partition`: everything behind it; it is tried again in
   * place. Without a database, and behind another transport, it is always tried again in place. Default: the
   * engine's, which is `key`.
   */
  readonly order?: EventOrder;
  /**
   * Lanes: how many events the handler may work on at the same time, inside one transaction. Events of one key stay in
   * order; those without a key have none. Needs a storage that pipelines, else 1 is used, with a notice; without effect
   * beside `commit: 'event'`. 1 to 1,000. Default 1.
   */
  readonly concurrency?: number;
  /** The handler's former name: its records stay valid. */
  readonly renamedFrom?: string;
  /** Says that the handler is new although the inbox holds records; it then handles what is delivered from now on. */
  readonly new?: boolean;
}

export interface HandlerDefinition extends HandlerOptions {
  /** Unique in the service, for example `payments/PaymentHandlers.capture`. Recorded in the database. */
  readonly name: string;
  /** CloudEvents type that it handles. */
  readonly type: string;
  /**
   * The handler's own view of that type, with the upcasters that make it: of one topic and version with the other
   * views in the process. Default: the one among `types`.
   */
  readonly descriptor?: EventTypeDescriptor;
  /**
   * Handles one event inside the transaction that is ambient. Rejecting is the only way to fail; `data` is
   * the decoded and upcast body. Not with `batch`.
   */
  readonly invoke?: InvokeHandler;
  /**
   * With `batch`, instead of `invoke`: handles events that succeed or fail together; `contexts[n]` belongs to
   * `events[n]`. What it publishes must say which of them caused it (`causedBy`).
   */
  readonly invokeBatch?: InvokeBatch;
  /**
   * With `batch`: makes what the handler gets of a decoded and upcast body, before the event is admitted and outside
   * of its transaction; or a promise of it. Where it throws or rejects, that event fails alone. Default: the body
   * itself.
   */
  readonly prepare?: (data: unknown) => unknown;
}

export type InvokeHandler = (data: unknown, context: EventContext) => Promise<void>;

export type InvokeBatch = (events: readonly unknown[], contexts: readonly EventContext[]) => Promise<void>;
