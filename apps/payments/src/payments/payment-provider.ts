/**
 * The company that takes the money, as the handler sees it: another system, called at least once for an order.
 * It is told the event's idempotency key, and charges a key once; that is what keeps a second call harmless.
 */
export interface ChargeRequest {
  /** The same for every attempt at an event, in every process. */
  readonly idempotencyKey: string;
  readonly orderId: string;
  readonly cents: number;
}

export abstract class PaymentProvider {
  /** Resolves with the charge's id: the same one for the same key. Gives up when `signal` aborts. */
  abstract charge(request: ChargeRequest, signal: AbortSignal): Promise<string>;
}
