/**
 * A service's module as an operator names it for a dry run: one handler that writes, publishes, and refuses what costs
 * nothing.
 */
import 'reflect-metadata';
import {
  EventContext,
  EventType,
  ExactlyOnceModule,
  IdempotentHandler,
  OutboxRepository,
  PermanentError,
} from '@exactly-once/nestjs';
import { typeOrmStorage } from '@exactly-once/typeorm';
import { Controller, Module } from '@nestjs/common';
import { Ctx, Payload } from '@nestjs/microservices';
import { TypeOrmModule } from '@nestjs/typeorm';
import { DataSource } from 'typeorm';

@EventType<OrderPlaced>('order.placed', { topic: 'orders' })
class OrderPlaced {
  constructor(
    readonly orderId: string,
    readonly cents: number,
  ) {}
}

@EventType<PaymentCaptured>('payment.captured', { topic: 'payments', key: ({ orderId }) => orderId })
class PaymentCaptured {
  constructor(readonly orderId: string) {}
}

@Controller()
class Payments {
  constructor(
    private readonly source: DataSource,
    private readonly outbox: OutboxRepository,
  ) {}

  @IdempotentHandler(OrderPlaced, { name: 'capture' })
  async capture(@Payload() { orderId, cents }: OrderPlaced, @Ctx() _: EventContext): Promise<void> {
    if (cents === 0) throw new PermanentError('nothing to capture');
    await this.source.query('INSERT INTO payment VALUES ($1, $2)', [orderId, cents]);
    await this.outbox.publish(new PaymentCaptured(orderId));
  }
}

@Module({
  imports: [
    TypeOrmModule.forRoot({ type: 'postgres', url: process.env['DATABASE_URL']! }),
    ExactlyOnceModule.forRoot({
      service: 'payments',
      unhandled: 'skip',
      storage: typeOrmStorage(),
      validate: false,
    }),
  ],
  controllers: [Payments],
})
export class PaymentsModule {}
