/**
 * Which transaction the running code belongs to. One instance for each storage.
 *
 * The processor opens a scope around each handler; the storage's seam and the outbox look it up. A scope
 * that has ended stays visible to code that outlived it, so that a late write can be refused instead of
 * committing on its own.
 */
import type { ExactlyOnceError } from '../errors/exactly-once-error.js';
import type { Invocation } from '../processing/invocation.js';
import { AmbientValue } from './ambient-value.js';
import type { Transaction } from './transaction.js';

export interface Scope {
  readonly transaction: Transaction;
  /** The handler that runs; `null` in `ExactlyOnce.transaction`. */
  readonly invocation: Invocation | null;
  /** False from the moment the handler has returned, thrown or timed out. */
  open: boolean;
  /** Statements and publications of this scope that are not done yet. Kept by the storage's seam and the outbox. */
  pending: number;
  /** First error that shows that this scope misused its transaction, for example a write after its end. */
  violation: ExactlyOnceError | null;
  /** Set by the storage where the scope holds something of the transaction: gives it back when the scope ends. */
  onEnd: (() => void) | null;
}

export class AmbientScope {
  readonly #scopes = new AmbientValue<Scope | undefined>();
  #used = false;

  /** True once there was a scope: code that began in one may still run, whatever has ended since. */
  get used(): boolean {
    return this.#used;
  }

  /** The scope of the running code, open or ended; `undefined` outside of any. */
  current(): Scope | undefined {
    return this.#scopes.current();
  }

  run<T>(scope: Scope, work: () => T): T {
    this.#used = true;
    return this.#scopes.run(scope, work);
  }

  /** Runs `work` outside of any transaction: its writes commit on their own and survive a rollback. */
  outside<T>(work: () => T): T {
    return this.#scopes.run(undefined, work);
  }
}

export function openScope(transaction: Transaction, invocation: Invocation | null): Scope {
  return { transaction, invocation, open: true, pending: 0, violation: null, onEnd: null };
}

/** Its code has returned, thrown or timed out: what it still tries is refused. May be called again. */
export function endScope(scope: Scope): void {
  scope.open = false;
  scope.onEnd?.();
}
