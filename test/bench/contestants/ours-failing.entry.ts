/**
 * Ours with a handler that throws at every event of one key, and handles the others as `ours.entry.ts` does. The setting
 * is `lanes`, with a pipelining connection, or `plain`.
 */
import { IdempotentHandler } from '@exactly-once/nestjs';
import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { InjectRepository } from '@nestjs/typeorm';
import { Repository } from 'typeorm';
import { failingKey } from '../failing-key.js';
import { EffectEntity } from './effect.entity.js';
import { OrderPlaced, setting, startOurs } from './ours-application.js';

const inLanes = setting === 'lanes';

@Controller()
class OrderHandlers {
  constructor(@InjectRepository(EffectEntity) private readonly effects: Repository<EffectEntity>) {}

  @IdempotentHandler(OrderPlaced, { concurrency: inLanes ? 32 : 1 })
  async place(@Payload() order: OrderPlaced): Promise<void> {
    if (order.orderId === failingKey) throw new Error('it always fails');
    await this.effects.insert({ orderId: order.orderId, cents: order.cents });
  }
}

await startOurs({ handlers: OrderHandlers, pipeline: inLanes });
