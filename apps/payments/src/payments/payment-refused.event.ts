/**
 * What this service tells the others where the provider did not take the money: published in the transaction of the
 * refusal's row. A refusal is an answer, not a failure: nothing is tried again and nothing is dead-lettered.
 */
import { EventType } from '@exactly-once/nestjs';
import { IsString, IsUUID } from 'class-validator';

@EventType<PaymentRefused>('payment.refused', { topic: 'payments', key: (event) => event.orderId })
export class PaymentRefused {
  @IsUUID()
  orderId: string;

  @IsString()
  reason: string;

  constructor(orderId: string, reason: string) {
    this.orderId = orderId;
    this.reason = reason;
  }
}
