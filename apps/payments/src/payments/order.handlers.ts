/**
 * Captures the payment of each order: inbox, effect, outbox in one transaction, and a call to another system, which
 * is made at least once and charges once by its idempotency key.
 */
import { EventContext, IdempotentHandler, OutboxRepository } from '@exactly-once/nestjs';
import { Controller } from '@nestjs/common';
import { Ctx, Payload } from '@nestjs/microservices';
import { InjectRepository } from '@nestjs/typeorm';
import { Repository } from 'typeorm';
import { Account, takings } from './account.entity.js';
import { OrderPlaced } from './order-placed.event.js';
import { Payment } from './payment.entity.js';
import { PaymentCaptured } from './payment-captured.event.js';
import { PaymentProvider } from './payment-provider.js';
import { PaymentRefused } from './payment-refused.event.js';
import { Refusal } from './refusal.entity.js';

@Controller()
export class OrderHandlers {
  constructor(
    @InjectRepository(Payment) private readonly payments: Repository<Payment>,
    @InjectRepository(Refusal) private readonly refusals: Repository<Refusal>,
    @InjectRepository(Account) private readonly accounts: Repository<Account>,
    private readonly outbox: OutboxRepository,
    private readonly provider: PaymentProvider,
  ) {}

  /**
   * `commit: 'event'`: in a shared transaction a neighbour's failure would call the provider again. A dry run would be
   * rolled back here, and not there: it does not ask. Attempts for some ten minutes, in which the provider may be away: what
   * waits stands in the database and holds up no other order.
   */
  @IdempotentHandler(OrderPlaced, { name: 'payments/capture', commit: 'event', retry: { attempts: 50 } })
  async capture(@Payload() order: OrderPlaced, @Ctx() context: EventContext): Promise<void> {
    const { orderId, totalCents: cents } = order;
    const { idempotencyKey, signal } = context;
    if (context.dryRun) return;
    const answer = await this.provider.charge({ idempotencyKey, orderId, cents }, signal);
    if (answer.outcome === 'refused') return this.#refused(orderId, cents, answer.reason);
    await this.#captured(orderId, cents, answer.chargeId);
  }

  /** The account last: all payments share its row, which is locked from here to the commit. */
  async #captured(orderId: string, cents: number, chargeId: string): Promise<void> {
    await this.payments.insert({ orderId, cents, chargeId });
    await this.outbox.publish(new PaymentCaptured(orderId, cents, chargeId));
    await this.accounts.increment({ name: takings }, 'cents', cents);
  }

  async #refused(orderId: string, cents: number, reason: string): Promise<void> {
    await this.refusals.insert({ orderId, cents, reason });
    await this.outbox.publish(new PaymentRefused(orderId, reason));
  }
}
