/**
 * Makes a sale of each payment: consumed, published and acknowledged in one Kafka transaction, with many others.
 * Everything comes from the event, so that an attempt that was aborted would have given the same.
 */
import { EventContext, IdempotentHandler, OutboxRepository } from '@exactly-once/nestjs';
import { Controller } from '@nestjs/common';
import { Ctx, Payload } from '@nestjs/microservices';
import { PaymentCaptured } from './payment-captured.event.js';
import { SaleRecorded } from './sale-recorded.event.js';

@Controller()
export class PaymentHandlers {
  constructor(private readonly outbox: OutboxRepository) {}

  @IdempotentHandler(PaymentCaptured, { name: 'sales-totals/record', transaction: 'kafka' })
  async record(@Payload() { orderId, cents }: PaymentCaptured, @Ctx() { event, delivery }: EventContext) {
    const day = new Date(event.timeMs ?? delivery.timestampMs).toISOString().slice(0, 10);
    await this.outbox.publish(new SaleRecorded(orderId, (cents / 100).toFixed(2), day));
  }
}
