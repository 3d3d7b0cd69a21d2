/**
 * Reads the log for one group: says that it lives, shares the partitions with the other members, and looks for news.
 * Step 3 of an event's life.
 *
 * Membership only spreads the work. A member that was stopped and goes on is refused by the fence of each partition.
 */
import { randomUUID } from 'node:crypto';
import type { ConsumerHealth, ConsumerRequest, EventConsumer } from '../broker/broker.js';
import type { Clock } from '../clock.js';
import { errorChain } from '../errors/exactly-once-error.js';
import { backoffMs, defaultRetryPolicy } from '../failure/failure-policy.js';
import { Hint } from '../hint.js';
import type { Logger } from '../telemetry/logger.js';
import { assignedTo } from './assignment.js';
import type { LogEnds, LogPosition, LogStore } from './log-store.js';
import { PartitionReader } from './partition-reader.js';

export interface DatabaseConsumerParts {
  readonly request: ConsumerRequest;
  readonly log: LogStore;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly random: () => number;
  readonly service: string;
  /** Partitions of a topic that does not exist yet. */
  readonly partitions: number;
  readonly sessionTimeoutMs: number;
  readonly maxPollMs: number;
}

const minPollMs = 10;
/** Of the session time-out: how often a member says that it lives. */
const beats = 10;

const nameOf = ({ topic, partition }: { topic: string; partition: number }) => `${topic}/${partition}`;

export class DatabaseConsumer implements EventConsumer {
  readonly #parts: DatabaseConsumerParts;
  readonly #member: string;
  readonly #topics: readonly string[];
  readonly #readers = new Map<string, PartitionReader>();
  readonly #stopping = new AbortController();
  readonly #news = new Hint();
  #running: Promise<void> = Promise.resolve();
  #trouble: string | null = 'not joined yet';
  #beatAtMs = 0;
  #readersMade = 0;

  constructor(parts: DatabaseConsumerParts) {
    this.#parts = parts;
    this.#member = `${parts.service}-${randomUUID()}`;
    this.#topics = parts.request.topics.map(({ topic }) => topic);
  }

  async start(signal: AbortSignal): Promise<void> {
    const { log, partitions } = this.#parts;
    if (signal.aborted || this.#stopping.signal.aborted) return;
    await log.createTopics(this.#topics, partitions);
    await this.#look();
    this.#running = this.#run();
  }

  async stop(graceMs: number): Promise<void> {
    const { clock, log, request, logger } = this.#parts;
    this.#stopping.abort();
    await this.#running;
    const readers = [...this.#readers.values()];
    for (const reader of readers) reader.end();
    const cancel = clock.timer(graceMs, () => {
      for (const reader of readers) reader.abort();
    });
    await Promise.all(readers.map(({ ended }) => ended));
    cancel();
    try {
      await log.leave(request.group, this.#member);
    } catch (error) {
      logger.warn(`${this.#member} runs out by itself: ${errorChain(error).join(' <- ')}`);
    }
  }

  health(): ConsumerHealth {
    const readers = [...this.#readers];
    const lag = readers.reduce((sum, [, reader]) => sum + reader.lag, 0);
    const troubles = readers.flatMap(([name, { trouble }]) =>
      trouble === null ? [] : [`${name}: ${trouble}`],
    );
    if (this.#trouble !== null) troubles.unshift(this.#trouble);
    return troubles.length === 0
      ? { status: 'up', lag }
      : { status: 'down', reason: troubles.join('; '), lag };
  }

  /** This process has appended there. */
  appended(positions: readonly LogPosition[]): void {
    for (const position of positions) this.#readers.get(nameOf(position))?.reaches(position.offset + 1n);
  }

  async #run(): Promise<void> {
    const { clock, maxPollMs, logger, random } = this.#parts;
    const { signal } = this.#stopping;
    let failures = 0;
    for (let pollMs = minPollMs; !signal.aborted; ) {
      await this.#news.wait(clock, pollMs, signal);
      if (signal.aborted) return;
      try {
        const moved = await this.#look();
        pollMs = moved ? minPollMs : Math.min(pollMs * 2, maxPollMs);
        failures = 0;
      } catch (error) {
        this.#trouble = errorChain(error).join(' <- ');
        pollMs = Math.max(minPollMs, backoffMs(defaultRetryPolicy, ++failures, random));
        logger.warn(`${this.#member}: looks again in ${pollMs} ms: ${this.#trouble}`);
      }
    }
  }

  /** One look at who lives, where it is time for that, and at the ends of the log; true where there is news. */
  async #look(): Promise<boolean> {
    const { log, clock, request, sessionTimeoutMs } = this.#parts;
    const ends = await log.ends(this.#topics);
    if (clock.now() >= this.#beatAtMs) {
      const startedAtMs = clock.now();
      const member = { name: this.#member, topics: this.#topics };
      const members = await log.join(request.group, member, sessionTimeoutMs);
      this.#share(assignedTo(this.#member, members, ends), ends);
      this.#beatAtMs = startedAtMs + sessionTimeoutMs / beats;
    }
    this.#trouble = null;
    const before = this.#lag();
    for (const end of ends) this.#readers.get(nameOf(end))?.reaches(end.next);
    return this.#lag() > before;
  }

  #lag(): number {
    let sum = 0;
    for (const { lag } of this.#readers.values()) sum += lag;
    return sum;
  }

  /** Ends the readers of what is no longer ours; begins those of what is, unless one must not go on. */
  #share(assigned: readonly { topic: string; partition: number }[], ends: readonly LogEnds[]): void {
    const ours = new Set(assigned.map(nameOf));
    for (const [name, reader] of this.#readers) {
      if (!ours.has(name)) reader.end();
      if (reader.state === 'ended' || (reader.state === 'stopped' && !ours.has(name)))
        this.#readers.delete(name);
    }
    for (const end of ends) {
      const name = nameOf(end);
      if (ours.has(name) && !this.#readers.has(name)) this.#readers.set(name, this.#reader(end));
    }
  }

  #reader(end: LogEnds): PartitionReader {
    const { request, log, clock, logger, random } = this.#parts;
    const { topic, partition } = end;
    const reader = new PartitionReader(
      {
        key: { group: request.group, topic, partition },
        owner: `${this.#member}/${++this.#readersMade}`,
        startFrom: request.topics.find((one) => one.topic === topic)?.startFrom ?? 'earliest',
        log,
        storage: request.storage,
        sink: request.sink,
        clock,
        logger,
        random,
      },
      end,
    );
    void reader.ended.then(() => {
      this.#beatAtMs = 0; // before it is claimed anew: who lives?
      this.#news.give();
    });
    return reader;
  }
}
