/**
 * What this service tells the others: published with the order's row, in the order of each order's own events
 * (the key is the order's id).
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

  constructor(orderId: string, totalCents: number) {
    this.orderId = orderId;
    this.totalCents = totalCents;
  }
}
