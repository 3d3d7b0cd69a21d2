/**
 * The company that takes the money: another system, called at least once. It is told the event's idempotency key,
 * and charges a key once.
 */
import { createHash } from 'node:crypto';
import { Injectable } from '@nestjs/common';

export interface ChargeRequest {
  readonly idempotencyKey: string;
  readonly orderId: string;
  readonly cents: number;
}

export abstract class PaymentProvider {
  /** Resolves with the charge's id: the same one for the same key. */
  abstract charge(request: ChargeRequest, signal: AbortSignal): Promise<string>;
}

/** A provider that answers at once and always agrees; for trying things out. */
@Injectable()
export class LocalPaymentProvider extends PaymentProvider {
  async charge({ idempotencyKey }: ChargeRequest): Promise<string> {
    return `ch_${createHash('sha256').update(idempotencyKey).digest('hex').slice(0, 24)}`;
  }
}

/** A provider behind HTTP: `POST <url>` with an `idempotency-key` header, answered by `{ "chargeId": … }`. */
export class HttpPaymentProvider extends PaymentProvider {
  constructor(private readonly url: string) {
    super();
  }

  async charge({ idempotencyKey, orderId, cents }: ChargeRequest, signal: AbortSignal): Promise<string> {
    const response = await fetch(this.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'idempotency-key': idempotencyKey },
      body: JSON.stringify({ orderId, cents }),
      signal,
    });
    if (!response.ok) throw new Error(`the provider answered ${response.status}`);
    const { chargeId } = (await response.json()) as { chargeId: string };
    return chargeId;
  }
}
