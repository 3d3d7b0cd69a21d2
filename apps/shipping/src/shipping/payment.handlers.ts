/**
 * Ships what was paid: a row and an event in one transaction, which many events share.
 * A refused payment has no handler here, so it is skipped.
 */
import { EventContext, IdempotentHandler, OutboxRepository } from '@exactly-once/nestjs';
import { Controller } from '@nestjs/common';
import { Ctx, Payload } from '@nestjs/microservices';
import { InjectRepository } from '@nestjs/typeorm';
import { Repository } from 'typeorm';
import { OrderShipped } from './order-shipped.event.js';
import { PaymentCaptured } from './payment-captured.event.js';
import { Shipment } from './shipment.entity.js';

@Controller()
export class PaymentHandlers {
  constructor(
    @InjectRepository(Shipment) private readonly shipments: Repository<Shipment>,
    private readonly outbox: OutboxRepository,
  ) {}

  /** The tracking code comes from the event, so that an attempt that was rolled back would have given the same. */
  @IdempotentHandler(PaymentCaptured, { name: 'shipping/ship' })
  async ship(@Payload() { orderId }: PaymentCaptured, @Ctx() context: EventContext): Promise<void> {
    const trackingCode = context.idempotencyKey.slice(0, 12).toUpperCase();
    await this.shipments.insert({ orderId, trackingCode });
    await this.outbox.publish(new OrderShipped(orderId, trackingCode));
  }
}
