/**
 * Places orders: the row and the event commit together, or neither does. Never publishes outside of the transaction,
 * which the outbox would refuse.
 */
import { randomUUID } from 'node:crypto';
import { ExactlyOnce, OutboxRepository } from '@exactly-once/nestjs';
import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { Repository } from 'typeorm';
import { Order } from './order.entity.js';
import { OrderPlaced } from './order-placed.event.js';
import type { PlaceOrderRequest } from './place-order.request.js';

@Injectable()
export class OrdersService {
  constructor(
    @InjectRepository(Order) private readonly orders: Repository<Order>,
    private readonly outbox: OutboxRepository,
    private readonly exactlyOnce: ExactlyOnce,
  ) {}

  place({ customer, totalCents }: PlaceOrderRequest): Promise<Order> {
    return this.exactlyOnce.transaction(async () => {
      const order = await this.orders.save(this.orders.create({ id: randomUUID(), customer, totalCents }));
      await this.outbox.publish(new OrderPlaced(order.id, totalCents));
      return order;
    });
  }

  find(id: string): Promise<Order | null> {
    return this.orders.findOneBy({ id });
  }
}
