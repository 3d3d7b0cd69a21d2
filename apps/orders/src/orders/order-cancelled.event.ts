/**
 * What this service tells the others when it cancels an order: published in the transaction that cancels it.
 * It follows `order.placed` on the same topic under the same key, so nobody hears of it first.
 */
import { EventType } from '@exactly-once/nestjs';
import { IsString, IsUUID } from 'class-validator';

@EventType<OrderCancelled>('order.cancelled', { topic: 'orders', key: (event) => event.orderId })
export class OrderCancelled {
  @IsUUID()
  orderId: string;

  @IsString()
  reason: string;

  constructor(orderId: string, reason: string) {
    this.orderId = orderId;
    this.reason = reason;
  }
}
