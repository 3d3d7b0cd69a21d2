/**
 * What this service hears from shipping: its own view of that event.
 * It has the fields that are needed here and no others, so that shipping may change the rest.
 */
import { EventType } from '@exactly-once/nestjs';
import { IsString, IsUUID, Length } from 'class-validator';

@EventType<OrderShipped>('order.shipped', { topic: 'shipments', key: (event) => event.orderId })
export class OrderShipped {
  @IsUUID()
  orderId!: string;

  @IsString()
  @Length(1, 100)
  trackingCode!: string;
}
