/**
 * What this service hears from payments: its own view of that event, narrower than that of orders.
 * Both views may stand in one process; each handler gets its own.
 */
import { EventType } from '@exactly-once/nestjs';
import { IsUUID } from 'class-validator';

@EventType<PaymentCaptured>('payment.captured', { topic: 'payments', key: (event) => event.orderId })
export class PaymentCaptured {
  @IsUUID()
  orderId!: string;
}
