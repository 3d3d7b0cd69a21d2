/**
 * What this service hears from orders where an order was cancelled: its own view of that event.
 * It has the fields that are needed here and no others, so that orders may change the rest.
 */
import { EventType } from '@exactly-once/nestjs';
import { IsString, IsUUID, Length } from 'class-validator';

@EventType<OrderCancelled>('order.cancelled', { topic: 'orders', key: (event) => event.orderId })
export class OrderCancelled {
  @IsUUID()
  orderId!: string;

  @IsString()
  @Length(1, 100)
  reason!: string;
}
