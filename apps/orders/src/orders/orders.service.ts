/**
 * Places orders: the row and the event commit together, or neither does. Never publishes outside of the transaction,
 * which the outbox would refuse.
 */
import { randomUUID } from 'node:crypto';
import { ExactlyOnce, OutboxRepository } from '@exactly-once/nestjs';
import { ConflictException, Injectable } from '@nestjs/common';
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

  /** A request that comes again with its `orderId` gets the order that it made before, and nothing happens twice. */
  place({ orderId: id = randomUUID(), customer, totalCents }: PlaceOrderRequest): Promise<Order> {
    return this.exactlyOnce.transaction(async () => {
      const inserted = await this.orders
        .createQueryBuilder()
        .insert()
        .values({ id, customer, totalCents })
        .orIgnore()
        .returning('id')
        .execute();
      const order = await this.orders.findOneByOrFail({ id });
      if (inserted.raw.length > 0) await this.outbox.publish(new OrderPlaced(id, totalCents));
      else if (order.customer !== customer || order.totalCents !== totalCents) {
        throw new ConflictException(`order ${id} is another one`);
      }
      return order;
    });
  }

  find(id: string): Promise<Order | null> {
    return this.orders.findOneBy({ id });
  }
}
