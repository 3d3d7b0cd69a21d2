/**
 * What core needs from a database. An adapter implements it once for each kind of database; the conformance
 * suite in `@exactly-once/testing` says what each member guarantees.
 *
 * Core hands the transaction to every store as an argument; only users' code finds it through the
 * `ambient` scope.
 */
import type { LogStore } from '../database-broker/log-store.js';
import type { DeadLetterStore } from '../failure/dead-letter-store.js';
import type { ParkStore } from '../failure/park-store.js';
import type { FenceStore } from '../inbox/fence-store.js';
import type { HandlerStore } from '../inbox/handler-store.js';
import type { InboxStore } from '../inbox/inbox-store.js';
import type { OutboxStore } from '../outbox/outbox-store.js';
import type { LeaseStore } from '../relay/lease-store.js';
import type { RewindStore } from '../rewind/rewind-store.js';
import type { AmbientScope, Scope } from './ambient-scope.js';
import type { BorrowedTransaction } from './borrowed-transaction.js';
import type { OverviewStore } from './overview-store.js';
import type { BeginOptions, Transaction } from './transaction.js';
import type { RowCount } from './written-rows.js';

/** What an adapter's database and driver can do beyond the least. */
export interface StorageFeatures {
  /**
   * Handlers may run at the same time in one transaction: statements are sent without waiting for the answers of
   * others, and a nested transaction of one scope holds up the statements of the others.
   */
  readonly concurrentStatements: boolean;
  /** What the user can do to get them, for a notice. */
  readonly concurrentStatementsRemedy: string;
  /**
   * Connections of its pool, of which transactions over events take a part only; `null` where they need none of a
   * pool.
   */
  readonly connections: number | null;
}

export interface Storage {
  /** For messages and telemetry, for example `postgres`. */
  readonly name: string;
  readonly features: StorageFeatures;
  readonly ambient: AmbientScope;
  readonly inbox: InboxStore;
  readonly outbox: OutboxStore;
  readonly fences: FenceStore;
  readonly leases: LeaseStore;
  readonly handlers: HandlerStore;
  readonly deadLetters: DeadLetterStore;
  readonly parked: ParkStore;
  readonly overview: OverviewStore;
  readonly rewinds: RewindStore;
  /** Used where the database is the broker, and empty elsewhere. */
  readonly log: LogStore;
  /**
   * Connects where needed, migrates where the options say so, and checks the schema. Throws
   * EO_SCHEMA_OUTDATED or EO_SCHEMA_MISSING; a database that cannot be reached gives EO_STORAGE_UNAVAILABLE
   * and may be tried again.
   */
  open(): Promise<void>;
  /**
   * Begins nothing any more and waits for the storage's own statements. Leaves the user's DataSource open, but code
   * that began in a transaction still never writes outside of it.
   */
  close(): Promise<void>;
  /** One cheap statement, for health. */
  ping(): Promise<void>;
  /**
   * Begins a transaction on a connection of its own. While it is open and no statement runs, the storage
   * touches it by timer, so that `idleTimeoutMs` cuts only the dead.
   */
  begin(options: BeginOptions): Promise<Transaction>;
  /**
   * The transaction that `handle` stands for in the user's code (TypeORM: an EntityManager): their own, or the scope of
   * ours. Throws EO_NO_TRANSACTION where none is open, and EO_OPTION_INVALID where it is none of this database. Left
   * out where users begin no transactions of their own.
   */
  borrow?(handle: object): BorrowedTransaction | Scope;
  /** Begins to count the rows that the transaction writes. Left out where that cannot be known. */
  countRows?(transaction: Transaction): Promise<RowCount>;
  /**
   * Translates an error of this database, or one that was caused by it, by its SQLSTATE or the driver's code:
   * EO_STORAGE_UNAVAILABLE, EO_SERIALIZATION_FAILURE. Any other error comes back as it is.
   */
  translate(error: unknown): unknown;
}

/** How an adapter is described in a module's options, so that adapters stay free of Nest. */
export interface AdapterDescription<T> {
  /** Injection tokens of what `create` needs, in order. */
  readonly inject: readonly unknown[];
  // biome-ignore lint/suspicious/noExplicitAny: what is injected has any type
  readonly create: (...dependencies: any[]) => T | Promise<T>;
}
