/**
 * Captures the payment of each order: inbox, effect, outbox in one transaction, and a call to another system, which
 * is made at least once and charges once by its idempotency key.
 */
import { EventContext, IdempotentHandler, OutboxRepository } from '@exactly-once/nestjs';
import { Controller } from '@nestjs/common';
import { Ctx, Payload } from '@nestjs/microservices';
import { InjectRepository } from '@nestjs/typeorm';
import { Repository } from 'typeorm';
import { OrderPlaced } from './order-placed.event.js';
import { Payment } from './payment.entity.js';
import { PaymentCaptured } from './payment-captured.event.js';
import { PaymentProvider } from './payment-provider.js';

@Controller()
export class OrderHandlers {
  constructor(
    @InjectRepository(Payment) private readonly payments: Repository<Payment>,
    private readonly outbox: OutboxRepository,
    private readonly provider: PaymentProvider,
  ) {}

  /** `commit: 'event'`: in a shared transaction a neighbour's failure would call the provider again. */
  @IdempotentHandler(OrderPlaced, { commit: 'event' })
  async capture(@Payload() order: OrderPlaced, @Ctx() context: EventContext): Promise<void> {
    const { orderId, totalCents: cents } = order;
    const { idempotencyKey, signal } = context;
    const chargeId = await this.provider.charge({ idempotencyKey, orderId, cents }, signal);
    await this.payments.insert({ orderId, cents, chargeId });
    await this.outbox.publish(new PaymentCaptured(orderId, chargeId));
  }
}
