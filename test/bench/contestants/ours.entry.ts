/**
 * Ours with a handler for each event and `repository.insert`. The setting is the handler's `commit`, with lanes and a
 * pipelining connection; or `sequential`: neither of them.
 */
import { IdempotentHandler } from '@exactly-once/nestjs';
import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { InjectRepository } from '@nestjs/typeorm';
import { Repository } from 'typeorm';
import { EffectEntity } from './effect.entity.js';
import { OrderPlaced, setting, startOurs } from './ours-application.js';

const inLanes = setting !== 'sequential';

@Controller()
class OrderHandlers {
  constructor(@InjectRepository(EffectEntity) private readonly effects: Repository<EffectEntity>) {}

  @IdempotentHandler(OrderPlaced, {
    commit: setting === 'event' ? 'event' : 'batch',
    concurrency: inLanes ? 32 : 1,
  })
  async place(@Payload() order: OrderPlaced): Promise<void> {
    await this.effects.insert({ orderId: order.orderId, cents: order.cents });
  }
}

await startOurs({ handlers: OrderHandlers, pipeline: inLanes });
