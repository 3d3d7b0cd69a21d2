/**
 * A provider that answers at once, for trying things out. Keeps nothing: whether it refuses, and a charge's id, are
 * derived from the idempotency key, so the same key gets the same answer, also after a restart.
 */
import { createHash } from 'node:crypto';
import { type ChargeAnswer, type ChargeRequest, PaymentProvider } from './payment-provider.js';

export class LocalPaymentProvider extends PaymentProvider {
  /** `refusalRate`: the share of keys that are refused, from 0 to 1. */
  constructor(private readonly refusalRate: number) {
    super();
    if (refusalRate >= 0 && refusalRate <= 1) return;
    throw new Error(`the refusal rate is ${refusalRate}, not from 0 to 1 (PAYMENT_REFUSAL_RATE)`);
  }

  async charge({ idempotencyKey }: ChargeRequest): Promise<ChargeAnswer> {
    const digest = createHash('sha256').update(idempotencyKey).digest();
    const share = digest.readUInt32BE(0) / 2 ** 32;
    if (share < this.refusalRate) return { outcome: 'refused', reason: 'declined' };
    return { outcome: 'charged', chargeId: `ch_${digest.toString('hex').slice(0, 24)}` };
  }
}
