/**
 * What happens to an order when its payment is known: the end of the round trip. Many events share a transaction
 * here, because nothing but the database is touched.
 */
import { IdempotentHandler } from '@exactly-once/nestjs';
import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { InjectRepository } from '@nestjs/typeorm';
import { Repository } from 'typeorm';
import { Order } from './order.entity.js';
import { PaymentCaptured } from './payment-captured.event.js';

@Controller()
export class PaymentHandlers {
  constructor(@InjectRepository(Order) private readonly orders: Repository<Order>) {}

  @IdempotentHandler(PaymentCaptured)
  async markPaid(@Payload() payment: PaymentCaptured): Promise<void> {
    const { affected } = await this.orders.update({ id: payment.orderId }, { state: 'paid' });
    if (affected !== 1) throw new Error(`there is no order ${payment.orderId} to mark as paid`);
  }
}
