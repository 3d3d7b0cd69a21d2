/**
 * `ExactlyOnce`: transactions for code outside of handlers, and the way out of one.
 */
import type { ParkedScope, ParkRetryResult, ParkScope, TransactionOptions } from '@exactly-once/core';
import { Injectable } from '@nestjs/common';
import type { Instance } from './instance.js';

@Injectable()
export class ExactlyOnce {
  constructor(private readonly instance: Instance) {}

  /**
   * Runs `work` in a transaction that repositories and the outbox join; resolves once it is committed. Inside a
   * handler it is a savepoint. Throws EO_COMMIT_UNKNOWN where even the database cannot say what became of it.
   */
  transaction<T>(work: () => Promise<T>, options?: TransactionOptions): Promise<T> {
    return this.instance.engine.transaction(work, options);
  }

  /** Keys of which an event waits in the database for somebody's decision, at most `limit`. Default 100. */
  parked(limit?: number): Promise<ParkedScope[]> {
    return this.instance.engine.parked(limit);
  }

  /**
   * Hands the events of a parked key to their handler again, in order, until none is left or one fails. One that kills
   * processes kills this one: mend the handler first.
   */
  retryParked(scope: ParkScope): Promise<ParkRetryResult> {
    return this.instance.engine.retryParked(scope);
  }

  /** Runs `work` outside of any transaction: its writes commit on their own and survive a rollback. */
  outside<T>(work: () => T): T {
    return this.instance.engine.outside(work);
  }
}
