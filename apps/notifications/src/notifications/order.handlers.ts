/**
 * Tells a customer when an order has come to its end, whichever that is: a row, and a mail, which another system sends
 * at least once by our call and once by its idempotency key.
 * The end of an event's life: nothing is published from here.
 */
import { EventContext, IdempotentHandler, type IdempotentHandlerOptions } from '@exactly-once/nestjs';
import { Controller } from '@nestjs/common';
import { Ctx, Payload } from '@nestjs/microservices';
import { InjectRepository } from '@nestjs/typeorm';
import { Repository } from 'typeorm';
import { MailProvider } from './mail-provider.js';
import { Notification } from './notification.entity.js';
import { OrderCancelled } from './order-cancelled.event.js';
import { OrderShipped } from './order-shipped.event.js';

/**
 * `commit: 'event'`: in a shared transaction a neighbour's failure would send the mail again. Attempts for some ten
 * minutes, in which the provider may be down: what waits stands in the database and holds up no other order.
 */
const callsOut: IdempotentHandlerOptions = { commit: 'event', retry: { attempts: 50 } };

@Controller()
export class OrderHandlers {
  constructor(
    @InjectRepository(Notification) private readonly notifications: Repository<Notification>,
    private readonly mail: MailProvider,
  ) {}

  @IdempotentHandler(OrderShipped, { name: 'notifications/tellShipped', ...callsOut })
  async tellShipped(@Payload() { orderId, trackingCode }: OrderShipped, @Ctx() context: EventContext) {
    await this.#tell(context, {
      orderId,
      about: 'shipped',
      text: `Your order ${orderId} is on its way, parcel ${trackingCode}.`,
    });
  }

  @IdempotentHandler(OrderCancelled, { name: 'notifications/tellCancelled', ...callsOut })
  async tellCancelled(@Payload() { orderId, reason }: OrderCancelled, @Ctx() context: EventContext) {
    await this.#tell(context, {
      orderId,
      about: 'cancelled',
      text: `Your order ${orderId} is cancelled: the payment was refused (${reason}).`,
    });
  }

  /** The mail last: it is not sent for a row that cannot be written. A dry run takes the row back, not a mail. */
  async #tell(
    { idempotencyKey, signal, dryRun }: EventContext,
    told: Pick<Notification, 'orderId' | 'about' | 'text'>,
  ): Promise<void> {
    await this.notifications.insert(told);
    if (dryRun) return;
    await this.mail.send({ idempotencyKey, orderId: told.orderId, text: told.text }, signal);
  }
}
