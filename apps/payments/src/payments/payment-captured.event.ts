/** What this service tells the others. */
import { EventType } from '@exactly-once/nestjs';
import { IsString, IsUUID } from 'class-validator';

@EventType<PaymentCaptured>('payment.captured', { topic: 'payments', key: (event) => event.orderId })
export class PaymentCaptured {
  @IsUUID()
  orderId: string;

  @IsString()
  chargeId: string;

  constructor(orderId: string, chargeId: string) {
    this.orderId = orderId;
    this.chargeId = chargeId;
  }
}
