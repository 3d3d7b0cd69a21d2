/**
 * Appends the relay's events to the log, in steps that a statement can carry. Step 2 of an event's life.
 *
 * What was appended and not settled is appended again with the same ids; the inbox absorbs it.
 */
import type { Publisher, SendOutcome } from '../broker/publisher.js';
import { hasCode } from '../errors/exactly-once-error.js';
import { writeHeaders } from '../event/cloud-event-headers.js';
import type { EventEnvelope } from '../event/event-envelope.js';
import { keyHash } from '../event/event-id.js';
import type { LogPosition, LogRecord, LogStore } from './log-store.js';

/** Bytes of bodies in one statement, unless one event has more alone. */
const stepBytes = 4_194_304;

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
    for (const records of inSteps(events.map(recordOf))) this.appended(await this.#append(records));
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

function* inSteps(records: readonly LogRecord[]): Generator<LogRecord[]> {
  let [step, bytes]: [LogRecord[], number] = [[], 0];
  for (const record of records) {
    const size = record.body?.length ?? 0;
    if (step.length > 0 && bytes + size > stepBytes) {
      yield step;
      [step, bytes] = [[], 0];
    }
    step.push(record);
    bytes += size;
  }
  if (step.length > 0) yield step;
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
