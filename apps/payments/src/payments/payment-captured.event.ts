/**
 * What this service tells the others: published in the transaction of the payment's row.
 * It carries an id derived from the event that caused it, the same for every attempt.
 */
import { EventType } from '@exactly-once/nestjs';
import { IsInt, IsString, IsUUID } from 'class-validator';

@EventType<PaymentCaptured>('payment.captured', { topic: 'payments', key: (event) => event.orderId })
export class PaymentCaptured {
  @IsUUID()
  orderId: string;

  @IsInt()
  cents: number;

  @IsString()
  chargeId: string;

  constructor(orderId: string, cents: number, chargeId: string) {
    this.orderId = orderId;
    this.cents = cents;
    this.chargeId = chargeId;
  }
}
