/**
 * A provider behind HTTP: `POST <url>` with an `idempotency-key` header, answered by `{ "chargeId": … }`, or by 402
 * and perhaps `{ "reason": "insufficient_funds" }`. Says what any other status means for the event: no use (dead
 * letter), later, or just try again.
 */
import { PermanentError, RetryAfterError } from '@exactly-once/nestjs';
import { type ChargeAnswer, type ChargeRequest, PaymentProvider } from './payment-provider.js';

export class HttpPaymentProvider extends PaymentProvider {
  constructor(private readonly url: string) {
    super();
  }

  async charge(request: ChargeRequest, signal: AbortSignal): Promise<ChargeAnswer> {
    const { idempotencyKey, orderId, cents } = request;
    const response = await fetch(this.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'idempotency-key': idempotencyKey },
      body: JSON.stringify({ orderId, cents }),
      signal,
    });
    if (response.status === 402) return { outcome: 'refused', reason: await reasonOf(response) };
    if (!response.ok) throw failure(response);
    const { chargeId } = (await response.json()) as { chargeId?: unknown };
    if (typeof chargeId !== 'string') throw new Error('the provider answered without a chargeId');
    return { outcome: 'charged', chargeId };
  }
}

/** A word, as providers have them; anything else that stands there is not passed on. */
async function reasonOf(response: Response): Promise<string> {
  const body = (await response.json().catch(() => null)) as { reason?: unknown } | null;
  const reason = body?.reason;
  return typeof reason === 'string' && /^[a-z_]{1,50}$/.test(reason) ? reason : 'declined';
}

/** Statuses that say nothing about the charge itself: a time-out, a conflict with the same key's first call, a limit. */
const passing = new Set([408, 409, 425, 429]);

function failure({ status, headers }: Response): Error {
  const what = `the provider answered ${status}`;
  if (status >= 400 && status < 500 && !passing.has(status)) return new PermanentError(what);
  const seconds = Number(headers.get('retry-after') ?? Number.NaN);
  return Number.isFinite(seconds) && seconds >= 0
    ? new RetryAfterError(seconds * 1_000, what)
    : new Error(what);
}
