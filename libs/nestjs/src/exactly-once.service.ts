/**
 * `ExactlyOnce`: transactions for code outside of handlers, and the way out of one.
 */
import type { TransactionOptions } from '@exactly-once/core';
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

  /** Runs `work` outside of any transaction: its writes commit on their own and survive a rollback. */
  outside<T>(work: () => T): T {
    return this.instance.engine.outside(work);
  }
}
