/**
 * One process of a simulation: its ports as it sees them. Before and after each call of a port it may be late, be stopped for
 * a while, or die for good, as the schedule says.
 *
 * What a dead process asks is never answered; what it had open the database undoes. The core knows nothing of this.
 */
import { type Clock, type Engine, ExactlyOnceError, type Storage } from '@exactly-once/core';
import type { InMemoryTransaction } from '@exactly-once/testing';

const forEver = () => new Promise<never>(() => {});

/** Milliseconds after which the database ends a transaction of a process that is silent. */
export const sessionMs = 10_000;

/** A stop that its schedule has planned; `ms`: how long. */
interface Plan {
  calls: number;
  readonly ms: number | 'for ever';
}

export class SimulatedProcess {
  engine!: Engine;
  dead = false;
  /** It is to end, and takes no partition any more. */
  retired = false;
  readonly #open = new Set<InMemoryTransaction>();
  #plan: Plan | null = null;
  #stopped: Promise<void> | null = null;

  constructor(
    readonly clock: Clock,
    /** Milliseconds by which the next call is late. */
    readonly lateMs: () => number,
    /** Told when it dies or is stopped. */
    readonly told: (what: string, ms: number) => void,
  ) {}

  /** After so many calls from now it is stopped for that long, or dies. */
  plan(calls: number, ms: number | 'for ever'): void {
    this.#plan = { calls, ms };
  }

  heal(): void {
    this.#plan = null;
  }

  /** Each of its methods answers by a promise. */
  port<T extends object>(port: T): T {
    return new Proxy(port, {
      get: (of, name) => {
        const member: unknown = Reflect.get(of, name, of);
        if (typeof member !== 'function') return member;
        return async (...given: unknown[]) => {
          await this.pass(`before ${String(name)}`);
          const answer: unknown = await member.apply(of, given);
          await this.pass(`after ${String(name)}`);
          return answer;
        };
      },
    });
  }

  async begin(
    storage: Storage,
    lose: (transaction: InMemoryTransaction) => void,
  ): Promise<InMemoryTransaction> {
    await this.pass('before begin');
    const transaction = (await storage.begin({} as never)) as InMemoryTransaction;
    this.#open.add(transaction);
    if (this.dead) await transaction.rollback();
    const [seal, commit] = [transaction.seal.bind(transaction), transaction.commit.bind(transaction)];
    transaction.seal = async () => {
      await this.pass('before seal');
      await seal();
    };
    transaction.commit = async () => {
      await this.pass('before commit');
      lose(transaction);
      await commit();
      await this.pass('after commit');
    };
    await this.pass('after begin');
    return transaction;
  }

  async pass(where: string): Promise<void> {
    if (this.dead) await forEver();
    const ms = this.lateMs();
    if (ms > 0) await this.clock.sleep(ms);
    if (this.#plan !== null && this.#plan.calls-- <= 0) this.#carryOut(this.#plan, where);
    if (this.#stopped !== null) await this.#stopped;
    if (this.dead) await forEver();
  }

  #carryOut({ ms }: Plan, where: string): void {
    this.#plan = null;
    if (ms === 'for ever') {
      this.dead = true;
      void this.engine.drain();
      void this.#cut();
      this.told(`died ${where}`, 0);
      return;
    }
    this.#stopped = this.clock.sleep(ms).then(() => {
      this.#stopped = null;
    });
    if (ms > sessionMs) this.clock.timer(sessionMs, () => void this.#cut());
    this.told(`stopped ${where}`, ms);
  }

  /** As a database ends the session of somebody who is silent: whatever comes on it later is refused. */
  async #cut(): Promise<void> {
    for (const transaction of this.#open) {
      if (!transaction.open) continue;
      await transaction.rollback();
      const gone = async () => {
        throw this.#gone(transaction);
      };
      Object.assign(transaction, { seal: gone, commit: gone, savepoint: gone });
      transaction.change = () => {
        throw this.#gone(transaction);
      };
    }
    this.#open.clear();
  }

  #gone(transaction: InMemoryTransaction): ExactlyOnceError {
    transaction.fault ??= new ExactlyOnceError('EO_STORAGE_UNAVAILABLE', 'the session was ended');
    transaction.aborted ??= transaction.fault;
    return transaction.fault;
  }
}
