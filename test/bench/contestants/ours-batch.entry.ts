/**
 * Ours with a batch handler whose effect is one statement, the floor's own. The setting is the most events of a call.
 */
import { IdempotentHandler } from '@exactly-once/nestjs';
import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { DataSource } from 'typeorm';
import { OrderPlaced, setting, startOurs } from './ours-application.js';

const maxEvents = Number(setting);

@Controller()
class OrderHandlers {
  constructor(private readonly source: DataSource) {}

  @IdempotentHandler(OrderPlaced, { batch: maxEvents })
  async place(@Payload() orders: OrderPlaced[]): Promise<void> {
    await this.source.query(
      'INSERT INTO effect (order_id, cents) SELECT * FROM unnest($1::text[], $2::int[])',
      [orders.map(({ orderId }) => orderId), orders.map(({ cents }) => cents)],
    );
  }
}

await startOurs({ handlers: OrderHandlers, maxEvents });
