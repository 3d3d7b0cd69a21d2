/**
 * What this service hears from payments where the provider did not take the money: no failure, but how an order may
 * end. This service's own view of that event.
 */
import { EventType } from '@exactly-once/nestjs';
import { IsString, IsUUID, Length } from 'class-validator';

@EventType<PaymentRefused>('payment.refused', { topic: 'payments', key: (event) => event.orderId })
export class PaymentRefused {
  @IsUUID()
  orderId!: string;

  @IsString()
  @Length(1, 100)
  reason!: string;
}
