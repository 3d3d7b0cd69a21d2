/**
 * Reads the log for one group: says that it lives, shares the partitions with the other members, and looks for news.
 * Step 3 of an event's life.
 *
 * Membership only spreads the work. A member that was stopped and goes on is refused by the fence of each partition.
 * Once it is told to stop it begins no reader, whatever it waited for when it was told.
 */
import { randomUUID } from 'node:crypto';
import type { ConsumerHealth, ConsumerRequest, EventConsumer } from '../broker/broker.js';
import type { Clock } from '../clock.js';
import { errorChain } from '../errors/exactly-once-error.js';
import { backoffMs } from '../failure/failure-policy.js';
import { Hint } from '../hint.js';
import type { Logger } from '../telemetry/logger.js';
import { assignedTo } from './assignment.js';
import type { LogEnds, LogPosition, LogStore } from './log-store.js';
import { type OwnerStanding, PartitionReader, readerRetry } from './partition-reader.js';

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
/** How often a member says that it lives: so often in a session time-out, and no rarer than that. */
const beatsPerSession = 10;
const longestBeatMs = 1_000;
/** Beats that a member gets to see that a partition is another's by now, and to leave it. */
const handOverBeats = 3;

const nameOf = ({ topic, partition }: { topic: string; partition: number }) => `${topic}/${partition}`;

export class DatabaseConsumer implements EventConsumer {
  readonly #parts: DatabaseConsumerParts;
  readonly #member: string;
  readonly #topics: readonly string[];
  readonly #readers = new Map<string, PartitionReader>();
  readonly #stopping = new AbortController();
  readonly #news = new Hint();
  /** Names of those that lived at the last look. */
  #members: readonly string[] = [];
  #running: Promise<void> = Promise.resolve();
  #trouble: string | null = 'not joined yet';
  #beatAtMs = 0;
  /** Somebody asks who lives, before it is time for that. */
  #beatDue = true;
  #readersMade = 0;

  constructor(parts: DatabaseConsumerParts) {
    this.#parts = parts;
    this.#member = `${parts.service}-${randomUUID()}`;
    this.#topics = parts.request.topics.map(({ topic }) => topic);
  }

  async start(signal: AbortSignal): Promise<void> {
    if (signal.aborted || this.#stopping.signal.aborted) return;
    await new Promise<void>((joined) => {
      signal.addEventListener('abort', () => joined(), { once: true });
      this.#running = this.#run(signal, joined);
    });
  }

  async stop(graceMs: number): Promise<void> {
    const { clock, log, request, logger } = this.#parts;
    this.#stopping.abort();
    const readers = [...this.#readers.values()];
    for (const reader of readers) reader.end();
    const cancel = clock.timer(graceMs, () => {
      for (const reader of readers) reader.abort();
    });
    await Promise.all([this.#running, ...readers.map(({ ended }) => ended)]);
    cancel();
    try {
      await log.leave(request.group, this.#member);
    } catch (error) {
      logger.warn(`${this.#member} runs out by itself: ${errorChain(error).join(' <- ')}`);
    }
  }

  health(): ConsumerHealth {
    const troubles = [...this.#readers].flatMap(([name, { trouble }]) =>
      trouble === null ? [] : [`${name}: ${trouble}`],
    );
    if (this.#trouble !== null) troubles.unshift(this.#trouble);
    const lag = this.#lag();
    return troubles.length === 0
      ? { status: 'up', lag }
      : { status: 'down', reason: troubles.join('; '), lag };
  }

  /** This process has appended there. */
  appended(positions: readonly LogPosition[]): void {
    for (const position of positions) this.#readers.get(nameOf(position))?.reaches(position.offset + 1n);
  }

  /** Looks until it is stopped, or until `signal` aborts before it has joined. Never rejects. */
  async #run(signal: AbortSignal, joined: () => void): Promise<void> {
    const { clock, log, partitions, maxPollMs, logger, random } = this.#parts;
    let both = AbortSignal.any([signal, this.#stopping.signal]);
    let [failures, pollMs, waitMs] = [0, minPollMs, 0];
    while (!both.aborted) {
      try {
        if (this.#trouble !== null) await log.createTopics(this.#topics, partitions);
        const moved = await this.#look(both);
        if (both.aborted) break;
        both = this.#stopping.signal;
        joined();
        pollMs = moved ? minPollMs : Math.min(pollMs * 2, maxPollMs);
        waitMs = Math.max(minPollMs, Math.min(pollMs, this.#beatAtMs - clock.now()));
        failures = 0;
      } catch (error) {
        this.#beatDue = true;
        this.#trouble = errorChain(error).join(' <- ');
        waitMs = Math.max(minPollMs, backoffMs(readerRetry, ++failures, random));
        logger.warn(`${this.#member}: looks again in ${waitMs} ms: ${this.#trouble}`);
      }
      await this.#news.wait(clock, waitMs, both);
      if (this.#beatDue) await clock.sleep(minPollMs, both); // who is fenced again and again does not spin
    }
    joined();
  }

  /** One look at who lives, where it is time for that, and at the ends of the log; true where there is news. */
  async #look(signal: AbortSignal): Promise<boolean> {
    const { log, clock, request, sessionTimeoutMs } = this.#parts;
    const ends = await log.ends(this.#topics);
    const startedAtMs = clock.now();
    if ((this.#beatDue || startedAtMs >= this.#beatAtMs) && !signal.aborted) {
      this.#beatDue = false;
      this.#beatAtMs = startedAtMs + this.#beatMs;
      const member = { name: this.#member, topics: this.#topics };
      const members = await log.join(request.group, member, sessionTimeoutMs);
      this.#members = members.map(({ name }) => name);
      if (!signal.aborted) this.#share(assignedTo(this.#member, members, ends));
    }
    this.#trouble = null;
    const before = this.#lag();
    for (const end of ends) this.#readers.get(nameOf(end))?.spans(end);
    return this.#lag() > before;
  }

  get #beatMs(): number {
    return Math.min(this.#parts.sessionTimeoutMs / beatsPerSession, longestBeatMs);
  }

  #lag(): number {
    let sum = 0;
    for (const { lag } of this.#readers.values()) sum += lag;
    return sum;
  }

  /** Ends the readers of what is no longer ours; begins those of what is, unless one must not go on. */
  #share(assigned: readonly LogEnds[]): void {
    const ours = new Set(assigned.map(nameOf));
    for (const [name, reader] of this.#readers) {
      if (!ours.has(name)) reader.end();
      if (reader.state === 'ended' || (reader.state === 'stopped' && !ours.has(name)))
        this.#readers.delete(name);
    }
    for (const end of assigned) {
      if (!this.#readers.has(nameOf(end))) this.#readers.set(nameOf(end), this.#reader(end));
    }
  }

  /** An owner is a member's name and one of its readers. */
  #standing(owner: string): OwnerStanding {
    if (owner.startsWith(`${this.#member}/`)) return 'own';
    return this.#members.some((name) => owner.startsWith(`${name}/`)) ? 'living' : 'gone';
  }

  #reader(end: LogEnds): PartitionReader {
    const { request, log, clock, logger, random } = this.#parts;
    const { topic, partition } = end;
    const reader = new PartitionReader(
      {
        key: { group: request.group, topic, partition },
        owner: `${this.#member}/${++this.#readersMade}`,
        standing: (owner) => this.#standing(owner),
        handOverMs: handOverBeats * this.#beatMs,
        startFrom: request.topics.find((one) => one.topic === topic)?.startFrom ?? 'earliest',
        maxEvents: request.maxEvents ?? 1,
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
      this.#beatDue = true; // before it is claimed anew: who lives?
      this.#news.give();
    });
    return reader;
  }
}
