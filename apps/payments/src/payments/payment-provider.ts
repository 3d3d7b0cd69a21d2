/**
 * The company that takes the money, as the handler sees it: another system, called at least once for an order.
 * It is told the event's idempotency key, and answers a key once and for all; that is what keeps a second call
 * harmless.
 */
export interface ChargeRequest {
  /** The same for every attempt at an event, in every process. */
  readonly idempotencyKey: string;
  readonly orderId: string;
  readonly cents: number;
}

/** Both are answers: the second says that the money was not taken and never will be for this key. */
export type ChargeAnswer =
  | { readonly outcome: 'charged'; readonly chargeId: string }
  | { readonly outcome: 'refused'; readonly reason: string };

export abstract class PaymentProvider {
  /**
   * Resolves with the same answer for the same key. Rejects where there is none: with PermanentError where asking
   * again is no use, with RetryAfterError where the provider names a time. Gives up when `signal` aborts.
   */
  abstract charge(request: ChargeRequest, signal: AbortSignal): Promise<ChargeAnswer>;
}
