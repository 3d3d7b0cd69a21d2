/**
 * A provider behind HTTP: `POST <url>` with an `idempotency-key` header, answered by `{ "chargeId": … }`.
 * Says what a refusal means for the event: no use (dead letter), later, or just try again.
 */
import { PermanentError, RetryAfterError } from '@exactly-once/nestjs';
import { type ChargeRequest, PaymentProvider } from './payment-provider.js';

export class HttpPaymentProvider extends PaymentProvider {
  constructor(private readonly url: string) {
    super();
  }

  /** Throws PermanentError where the charge is declined, RetryAfterError where the provider names a time. */
  async charge({ idempotencyKey, orderId, cents }: ChargeRequest, signal: AbortSignal): Promise<string> {
    const response = await fetch(this.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'idempotency-key': idempotencyKey },
      body: JSON.stringify({ orderId, cents }),
      signal,
    });
    if (!response.ok) throw refusal(response);
    const { chargeId } = (await response.json()) as { chargeId?: unknown };
    if (typeof chargeId !== 'string') throw new Error('the provider answered without a chargeId');
    return chargeId;
  }
}

/** Statuses that say nothing about the charge itself: a time-out, a conflict with the same key's first call, a limit. */
const passing = new Set([408, 409, 425, 429]);

function refusal({ status, headers }: Response): Error {
  const what = `the provider answered ${status}`;
  if (status >= 400 && status < 500 && !passing.has(status)) return new PermanentError(what);
  const seconds = Number(headers.get('retry-after') ?? Number.NaN);
  return Number.isFinite(seconds) && seconds >= 0
    ? new RetryAfterError(seconds * 1_000, what)
    : new Error(what);
}
