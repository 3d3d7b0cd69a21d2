/**
 * What this service hears from shipping: its own view of that event.
 * It comes over another topic than the payments do, so it may be here before them.
 */
import { EventType } from '@exactly-once/nestjs';
import { IsUUID } from 'class-validator';

@EventType<OrderShipped>('order.shipped', { topic: 'shipments', key: (event) => event.orderId })
export class OrderShipped {
  @IsUUID()
  orderId!: string;
}
