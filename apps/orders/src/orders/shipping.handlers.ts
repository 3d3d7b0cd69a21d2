/**
 * What happens to an order when its parcel is on its way: the end of the round trip.
 * Adds its own fact only, whether the payment has been heard of or not.
 */
import { IdempotentHandler } from '@exactly-once/nestjs';
import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { InjectRepository } from '@nestjs/typeorm';
import { Repository } from 'typeorm';
import { Order } from './order.entity.js';
import { OrderShipped } from './order-shipped.event.js';

@Controller()
export class ShippingHandlers {
  constructor(@InjectRepository(Order) private readonly orders: Repository<Order>) {}

  @IdempotentHandler(OrderShipped, { name: 'orders/markShipped' })
  async markShipped(@Payload() { orderId }: OrderShipped): Promise<void> {
    const { affected } = await this.orders.update({ id: orderId }, { shippedAt: new Date() });
    if (affected !== 1) throw new Error(`there is no order ${orderId} to mark as shipped`);
  }
}
