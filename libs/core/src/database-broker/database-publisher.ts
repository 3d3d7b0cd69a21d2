/**
 * Appends the relay's events to the log. Step 2 of an event's life.
 *
 * What was appended and not settled is appended again with the same ids; the inbox absorbs it.
 */
import type { Publisher, SendOutcome } from '../broker/broker.js';
import { hasCode } from '../errors/exactly-once-error.js';
import { writeHeaders } from '../event/cloud-event-headers.js';
import type { EventEnvelope } from '../event/event-envelope.js';
import { keyHash } from '../event/event-id.js';
import type { LogPosition, LogRecord, LogStore } from './log-store.js';

export class DatabasePublisher implements Publisher {
  readonly #known = new Set<string>();

  constructor(
    readonly log: LogStore,
    readonly partitions: number,
    /** Called with the positions of what was appended. */
    readonly appended: (positions: readonly LogPosition[]) => void,
  ) {}

  async start(): Promise<void> {}

  async send(events: readonly EventEnvelope[]): Promise<SendOutcome[]> {
    await this.#createTopics(events);
    this.appended(await this.#append(events.map(recordOf)));
    return events.map(() => ({ status: 'sent' }));
  }

  async stop(): Promise<void> {}

  async #append(records: readonly LogRecord[]): Promise<LogPosition[]> {
    try {
      return await this.log.append(records);
    } catch (error) {
      if (hasCode(error, 'EO_TOPIC_MISSING')) this.#known.clear();
      throw error;
    }
  }

  async #createTopics(events: readonly EventEnvelope[]): Promise<void> {
    const unknown = [...new Set(events.map(({ topic }) => topic))].filter((topic) => !this.#known.has(topic));
    if (unknown.length === 0) return;
    await this.log.createTopics(unknown, this.partitions);
    for (const topic of unknown) this.#known.add(topic);
  }
}

function recordOf(event: EventEnvelope): LogRecord {
  return {
    topic: event.topic,
    key: event.key === null ? null : Buffer.from(event.key),
    hash: keyHash(event.key, event.id),
    headers: writeHeaders(event),
    body: event.body,
  };
}
