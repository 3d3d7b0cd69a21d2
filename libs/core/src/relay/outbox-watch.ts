/**
 * Reports how much waits in the outbox, and for how long. Reads only.
 */
import type { Clock } from '../clock.js';
import { errorChain } from '../errors/exactly-once-error.js';
import type { OutboxStore } from '../outbox/outbox-store.js';
import type { Logger } from '../telemetry/logger.js';
import { noTelemetry, type Telemetry } from '../telemetry/telemetry.js';

export interface OutboxWatchParts {
  readonly outbox: OutboxStore;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly telemetry: Telemetry;
}

const intervalMs = 10_000;

export class OutboxWatch {
  constructor(readonly parts: OutboxWatchParts) {}

  /** Reports every ten seconds until `signal` aborts; costs nothing where nobody listens. */
  async run(signal: AbortSignal): Promise<void> {
    const { outbox, clock, logger, telemetry } = this.parts;
    if (telemetry === noTelemetry) return;
    while (!signal.aborted) {
      try {
        const { pending, oldestAgeMs } = await outbox.depth();
        telemetry.gauge('exactly_once.outbox_depth', pending);
        telemetry.gauge('exactly_once.outbox_age', oldestAgeMs);
      } catch (error) {
        logger.warn(`outbox depth is not known: ${errorChain(error).join(' <- ')}`);
      }
      await clock.sleep(intervalMs, signal);
    }
  }
}
