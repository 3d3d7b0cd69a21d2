/**
 * Writes what a customer is told when an order has come to its end, whichever that is.
 * The end of an event's life: nothing is published from here.
 */
import { IdempotentHandler } from '@exactly-once/nestjs';
import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { InjectRepository } from '@nestjs/typeorm';
import { Repository } from 'typeorm';
import { Notification } from './notification.entity.js';
import { OrderCancelled } from './order-cancelled.event.js';
import { OrderShipped } from './order-shipped.event.js';

@Controller()
export class OrderHandlers {
  constructor(@InjectRepository(Notification) private readonly notifications: Repository<Notification>) {}

  @IdempotentHandler(OrderShipped, { name: 'notifications/tellShipped' })
  async tellShipped(@Payload() { orderId, trackingCode }: OrderShipped): Promise<void> {
    const text = `Your order ${orderId} is on its way, parcel ${trackingCode}.`;
    await this.notifications.insert({ orderId, about: 'shipped', text });
  }

  @IdempotentHandler(OrderCancelled, { name: 'notifications/tellCancelled' })
  async tellCancelled(@Payload() { orderId, reason }: OrderCancelled): Promise<void> {
    const text = `Your order ${orderId} is cancelled: the payment was refused (${reason}).`;
    await this.notifications.insert({ orderId, about: 'cancelled', text });
  }
}
