/**
 * The payment provider of the tests: charges an idempotency key once.
 */
import { KeyedServer, type Reply } from './keyed-server.js';

export interface Charge {
  readonly chargeId: string;
  readonly orderId: string;
  readonly cents: number;
}

export class ProviderServer extends KeyedServer {
  /** By idempotency key. */
  readonly charges = new Map<string, Charge>();
  readonly #failures = new Map<number, number>();
  readonly #declined = new Map<number, string>();

  /** Answers the first call for this amount with this status, and takes no money. */
  failOnce(cents: number, status: number): void {
    this.#failures.set(cents, status);
  }

  /** Refuses this amount with this word, however often it is asked. */
  decline(cents: number, reason: string): void {
    this.#declined.set(cents, reason);
  }

  protected answer(key: string, body: unknown): Reply {
    const order = body as Omit<Charge, 'chargeId'>;
    const failure = this.#failures.get(order.cents);
    if (failure !== undefined) {
      this.#failures.delete(order.cents);
      return { status: failure, headers: { 'retry-after': '0' } };
    }
    const reason = this.#declined.get(order.cents);
    if (reason !== undefined) return { status: 402, body: { reason } };
    const known = this.charges.get(key);
    const charge = known ?? { chargeId: `ch_${this.charges.size + 1}`, ...order };
    this.charges.set(key, charge);
    const answered = { status: 200, body: { chargeId: charge.chargeId } };
    return known === undefined ? { ...answered, done: this.charges.size } : answered;
  }
}
