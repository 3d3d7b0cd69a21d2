/**
 * What this service tells the others: published in the transaction of the shipment's row.
 * On a topic of its own, so it may overtake the payment's event on its way to orders.
 */
import { EventType } from '@exactly-once/nestjs';
import { IsString, IsUUID } from 'class-validator';

@EventType<OrderShipped>('order.shipped', { topic: 'shipments', key: (event) => event.orderId })
export class OrderShipped {
  @IsUUID()
  orderId: string;

  @IsString()
  trackingCode: string;

  constructor(orderId: string, trackingCode: string) {
    this.orderId = orderId;
    this.trackingCode = trackingCode;
  }
}
