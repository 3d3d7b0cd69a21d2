/**
 * What this service hears from orders: its own view of that event. What breaks these rules becomes a dead letter,
 * and its neighbours go on.
 */
import { EventType } from '@exactly-once/nestjs';
import { IsInt, IsUUID, Max, Min } from 'class-validator';

@EventType<OrderPlaced>('order.placed', { topic: 'orders', key: (event) => event.orderId })
export class OrderPlaced {
  @IsUUID()
  orderId!: string;

  @IsInt()
  @Min(1)
  @Max(2_147_483_647)
  totalCents!: number;
}
