/**
 * A small domain for the tests of the test kit: what a user has, and a second DataSource that a handler may misuse.
 */
import { EventContext, EventType, IdempotentHandler, OutboxRepository } from '@exactly-once/nestjs';
import { Controller, Module } from '@nestjs/common';
import { Ctx, Payload } from '@nestjs/microservices';
import { InjectRepository, TypeOrmModule } from '@nestjs/typeorm';
import { IsInt, IsString, Min } from 'class-validator';
import { Column, Entity, PrimaryGeneratedColumn, Repository } from 'typeorm';

@EventType<OrderPlaced>('order.placed', { topic: 'orders', key: (event) => event.orderId })
export class OrderPlaced {
  @IsString() orderId!: string;
  @IsInt() @Min(1) totalCents!: number;

  static of(orderId: string, totalCents: number): OrderPlaced {
    return Object.assign(new OrderPlaced(), { orderId, totalCents });
  }
}

@EventType<PaymentCaptured>('payment.captured', { topic: 'payments', key: (event) => event.orderId })
export class PaymentCaptured {
  constructor(readonly orderId: string) {}
}

@Entity()
export class Payment {
  @PrimaryGeneratedColumn()
  id!: number;

  @Column('text')
  orderId!: string;

  @Column('int')
  cents!: number;
}

@Controller()
class PaymentHandlers {
  constructor(
    @InjectRepository(Payment) private readonly payments: Repository<Payment>,
    private readonly outbox: OutboxRepository,
  ) {}

  @IdempotentHandler(OrderPlaced)
  async capture(@Payload() order: OrderPlaced, @Ctx() _context: EventContext) {
    if (order.orderId === 'broken') throw new Error('no such account');
    await this.payments.insert({ orderId: order.orderId, cents: order.totalCents });
    await this.outbox.publish(new PaymentCaptured(order.orderId));
  }
}

@Module({ imports: [TypeOrmModule.forFeature([Payment])], controllers: [PaymentHandlers] })
export class PaymentsModule {}
