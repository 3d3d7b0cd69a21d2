/**
 * Flags events that are older than the deduplication window, before they are admitted. Step 4 of an event's life.
 *
 * The inbox may have forgotten such an event: where it is a duplicate it runs again. It is handled all the same,
 * since it may as well come for the first time, but never silently: it is counted and logged.
 */
import type { Delivery } from '../broker/delivery.js';
import type { Clock } from '../clock.js';
import { header } from '../event/cloud-event-headers.js';
import { idTimeMs } from '../event/event-id.js';
import type { Logger } from '../telemetry/logger.js';
import type { Telemetry } from '../telemetry/telemetry.js';

export interface WindowWatchParts {
  readonly windowMs: number;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly telemetry: Telemetry;
}

const logEveryMs = 60_000;

export class WindowWatch {
  readonly #parts: WindowWatchParts;
  #logAgainAtMs = 0;

  constructor(parts: WindowWatchParts) {
    this.#parts = parts;
  }

  look(deliveries: readonly Delivery[]): void {
    const { windowMs, clock, logger, telemetry } = this.#parts;
    const nowMs = clock.now();
    const old = deliveries.filter((delivery) => (timeOf(delivery) ?? nowMs) < nowMs - windowMs);
    const [first] = old;
    if (first === undefined) return;
    telemetry.count('exactly_once.past_window', old.length);
    if (nowMs < this.#logAgainAtMs) return;
    this.#logAgainAtMs = nowMs + logEveryMs;
    const what = old.length === 1 ? '1 event is' : `${old.length} events are`;
    const where = `${first.topic}/${first.partition}@${first.offset}`;
    logger.warn(
      `${what} older than the deduplication window (the first is at ${where}): duplicates among them run again`,
    );
  }
}

/** When the event came into being: by its id where that says it, else by the broker; `null` where nobody says it. */
function timeOf(delivery: Delivery): number | null {
  const id = header(delivery, 'ce_id');
  const byId = id === null ? null : idTimeMs(id);
  if (byId !== null) return byId;
  return delivery.timestampMs > 0 ? delivery.timestampMs : null;
}
