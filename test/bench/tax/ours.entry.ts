/**
 * Ours with a handler that does nothing but count; the setting is whether it is called for each event or for a batch of
 * them. Payloads are parsed, not validated. It tells how many events its handler was given when it is told to end.
 */
import { IdempotentHandler } from '@exactly-once/nestjs';
import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { OrderPlaced, setting, startOurs } from '../contestants/ours-application.js';

const maxEvents = 2_000;
let handled = 0;

@Controller()
class OrderHandlers {
  @IdempotentHandler(OrderPlaced, setting === 'batch' ? { batch: maxEvents } : {})
  async place(@Payload() given: object): Promise<void> {
    handled += Array.isArray(given) ? given.length : 1;
  }
}

process.once('SIGTERM', () => process.send?.(handled));
await startOurs({ handlers: OrderHandlers, maxEvents, validate: false });
