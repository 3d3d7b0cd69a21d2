/**
 * What this service hears from payments: its own view of that event.
 * It has the fields that are needed here and no others, so that payments may change the rest.
 */
import { EventType } from '@exactly-once/nestjs';
import { IsInt, IsUUID, Max, Min } from 'class-validator';

@EventType<PaymentCaptured>('payment.captured', { topic: 'payments', key: (event) => event.orderId })
export class PaymentCaptured {
  @IsUUID()
  orderId!: string;

  @IsInt()
  @Min(1)
  @Max(2_147_483_647)
  cents!: number;
}
