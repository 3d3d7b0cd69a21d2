/**
 * A small application as a user would write it: what the end-to-end tests of the Nest module share.
 */
import { EventContext, EventType, IdempotentHandler, OutboxRepository } from '@exactly-once/nestjs';
import { Controller, Module } from '@nestjs/common';
import { Ctx, Payload } from '@nestjs/microservices';
import { InjectRepository, TypeOrmModule } from '@nestjs/typeorm';
import { IsInt, IsUUID, Min } from 'class-validator';
import { Column, Entity, PrimaryGeneratedColumn, Repository } from 'typeorm';

/** Topics of their own for each test file: set before the application's classes are made. */
export function shop(topic: string, output: string) {
  @EventType<OrderPlaced>('order.placed', { topic, key: (event) => event.orderId })
  class OrderPlaced {
    @IsUUID()
    orderId!: string;

    @IsInt()
    @Min(1)
    totalCents!: number;

    static of(orderId: string, totalCents: number): OrderPlaced {
      return Object.assign(new OrderPlaced(), { orderId, totalCents });
    }
  }

  @EventType<PaymentCaptured>('payment.captured', { topic: output, key: (event) => event.orderId })
  class PaymentCaptured {
    constructor(readonly orderId: string) {}
  }

  @Entity()
  class Payment {
    @PrimaryGeneratedColumn()
    id!: number;

    @Column()
    orderId!: string;

    @Column()
    cents!: number;
  }

  @Controller()
  class PaymentHandlers {
    constructor(
      @InjectRepository(Payment) readonly payments: Repository<Payment>,
      readonly outbox: OutboxRepository,
    ) {}

    @IdempotentHandler(OrderPlaced)
    async capture(@Payload() order: OrderPlaced, @Ctx() context: EventContext) {
      if (!(order instanceof OrderPlaced) || context.type !== 'order.placed')
        throw new Error('not what was placed');
      await this.payments.insert({ orderId: order.orderId, cents: order.totalCents });
      await this.outbox.publish(new PaymentCaptured(order.orderId));
    }
  }

  @Module({ imports: [TypeOrmModule.forFeature([Payment])], controllers: [PaymentHandlers] })
  class PaymentsModule {}

  return { OrderPlaced, PaymentCaptured, Payment, PaymentHandlers, PaymentsModule };
}
