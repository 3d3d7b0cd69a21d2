/**
 * What this service hears from payments: its own view of that event.
 * Who paid and how is not its business.
 */
import { EventType } from '@exactly-once/nestjs';
import { IsInt, IsUUID } from 'class-validator';

@EventType<PaymentCaptured>('payment.captured', { topic: 'payments', key: (event) => event.orderId })
export class PaymentCaptured {
  @IsUUID()
  orderId!: string;

  @IsInt()
  cents!: number;
}
