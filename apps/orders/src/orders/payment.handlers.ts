/**
 * What happens to an order when its payment is known. Many events share a transaction here, because nothing but the
 * database is touched. Nothing asks whether it was done already: that is the inbox's business, and a question here
 * would only hide that it is not kept.
 */
import { IdempotentHandler, OutboxRepository } from '@exactly-once/nestjs';
import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { InjectRepository } from '@nestjs/typeorm';
import { Repository } from 'typeorm';
import { Order } from './order.entity.js';
import { OrderCancelled } from './order-cancelled.event.js';
import { PaymentCaptured } from './payment-captured.event.js';
import { PaymentRefused } from './payment-refused.event.js';

@Controller()
export class PaymentHandlers {
  constructor(
    @InjectRepository(Order) private readonly orders: Repository<Order>,
    private readonly outbox: OutboxRepository,
  ) {}

  /** Named, so that it is the same handler alone and in a process with others. */
  @IdempotentHandler(PaymentCaptured, { name: 'orders/markPaid' })
  async markPaid(@Payload() { orderId, cents }: PaymentCaptured): Promise<void> {
    const { affected } = await this.orders.increment({ id: orderId }, 'paidCents', cents);
    if (affected !== 1) throw new Error(`there is no order ${orderId} to mark as paid`);
  }

  @IdempotentHandler(PaymentRefused, { name: 'orders/cancel' })
  async cancel(@Payload() { orderId, reason }: PaymentRefused): Promise<void> {
    const { affected } = await this.orders.update({ id: orderId }, { cancelledAt: new Date() });
    if (affected !== 1) throw new Error(`there is no order ${orderId} to cancel`);
    await this.outbox.publish(new OrderCancelled(orderId, reason));
  }
}
