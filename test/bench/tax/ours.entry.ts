/** Ours with a handler that does nothing; the setting is whether it is called for each event or for a batch of them. */
import { IdempotentHandler } from '@exactly-once/nestjs';
import { Controller } from '@nestjs/common';
import { OrderPlaced, setting, startOurs } from '../contestants/ours-application.js';

const maxEvents = 2_000;

@Controller()
class OrderHandlers {
  @IdempotentHandler(OrderPlaced, setting === 'batch' ? { batch: maxEvents } : {})
  async place(): Promise<void> {}
}

await startOurs({ handlers: OrderHandlers, maxEvents });
