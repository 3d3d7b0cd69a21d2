/**
 * Moves outbox rows to the broker, in order, shard by shard. Step 2 of an event's life.
 *
 * A crash after the broker's acknowledgement and before `settle` sends the rows again with the same ids; the
 * consumer's inbox absorbs them. Publishes nothing without a lease. A row that the broker refuses for good becomes
 * `dead`, with its reason; later events of its key pass it by. What is only out of reach is sent again.
 */
import type { Publisher, SendOutcome } from '../broker/broker.js';
import type { Clock } from '../clock.js';
import { errorChain, hasCode } from '../errors/exactly-once-error.js';
import type { EventEnvelope } from '../event/event-envelope.js';
import { backoffMs, defaultRetryPolicy } from '../failure/failure-policy.js';
import { Hint } from '../hint.js';
import type { OutboxRow } from '../outbox/outbox-store.js';
import type { Storage } from '../storage/storage.js';
import type { Logger } from '../telemetry/logger.js';
import type { Telemetry } from '../telemetry/telemetry.js';
import type { Lease } from './lease-store.js';

export interface RelayParts {
  readonly storage: Storage;
  readonly publisher: Publisher;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly telemetry: Telemetry;
  readonly random: () => number;
  /** Unique to this relay. */
  readonly owner: string;
  readonly batchSize: number;
  readonly maxBytes: number;
  readonly leaseMs: number;
  readonly maxPollMs: number;
}

const minPollMs = 10;

export class Relay {
  readonly #parts: RelayParts;
  readonly #leases = new Map<number, { lease: Lease; renewAtMs: number }>();
  readonly #news = new Hint();
  #trouble: string | null = 'not connected yet';
  /** Topics that the broker cannot take just now: why, and when they are tried again. */
  readonly #waiting = new Map<string, { readonly reason: string; readonly untilMs: number }>();

  constructor(parts: RelayParts) {
    this.#parts = parts;
  }

  /** Something was committed to the outbox in this process: look at once. */
  hint(): void {
    this.#news.give();
  }

  /** Why publishing stands still, for health; `null` where it does not. */
  stuck(): string | null {
    return this.#trouble;
  }

  /** Publishes until `signal` aborts, then gives its leases up. Rejects never: failures are retried and logged. */
  async run(signal: AbortSignal): Promise<void> {
    let pollMs = minPollMs;
    let failures = 0;
    while (!signal.aborted) {
      try {
        const moved = await this.#round(signal);
        failures = 0;
        this.#reportWaiting();
        pollMs = moved > 0 ? minPollMs : Math.min(pollMs * 2, this.#parts.maxPollMs);
        if (moved === 0) await this.#news.wait(this.#parts.clock, pollMs, signal);
      } catch (error) {
        failures++;
        await this.#failed(error, failures, signal);
      }
    }
    await this.#releaseAll();
  }

  /** One look at each shard; how many rows were settled. */
  async #round(signal: AbortSignal): Promise<number> {
    const { storage, batchSize, maxBytes } = this.#parts;
    const shards = await storage.leases.shardCount();
    let moved = 0;
    for (let shard = 0; shard < shards && !signal.aborted; shard++) {
      const lease = await this.#hold(shard);
      if (lease === null) continue;
      const exceptTopics = this.#waitingTopics();
      const rows = await storage.outbox.claim(lease, batchSize, { maxBytes, exceptTopics });
      this.#tryAgain(rows);
      if (rows.length > 0) moved += await this.#publish(lease, rows);
    }
    return moved;
  }

  async #hold(shard: number): Promise<Lease | null> {
    const { storage, clock, leaseMs, owner, logger } = this.#parts;
    const held = this.#leases.get(shard);
    const renewAtMs = clock.now() + leaseMs / 3;
    if (held !== undefined && clock.now() < held.renewAtMs) return held.lease;
    if (held !== undefined && (await storage.leases.renew(held.lease, leaseMs))) {
      held.renewAtMs = renewAtMs;
      return held.lease;
    }
    this.#leases.delete(shard);
    const lease = await storage.leases.acquire(shard, owner, leaseMs);
    if (lease === null) return null;
    logger.info(`relay ${owner} publishes shard ${shard} (epoch ${lease.epoch})`);
    this.#leases.set(shard, { lease, renewAtMs });
    return lease;
  }

  async #publish(lease: Lease, rows: readonly OutboxRow[]): Promise<number> {
    const { storage, publisher, telemetry, clock, logger } = this.#parts;
    const startedAtMs = clock.now();
    const events = rows.map((row) => row.event);
    const attributes = { shard: lease.shard };
    const outcomes = await telemetry.span('relay', { attributes, links: events }, () =>
      publisher.send(events),
    );
    const sent = rows.filter((_, index) => outcomes[index]?.status === 'sent').map((row) => row.position);
    if (sent.length > 0) await storage.outbox.settle(lease, sent);
    for (const [index, outcome] of outcomes.entries()) {
      const row = rows[index];
      if (outcome.status !== 'refused' || row === undefined) continue;
      logger.error(`event ${row.event.type} ${row.event.id} can never be sent: ${outcome.reason}`);
      await storage.outbox.refuse(lease, row.position, outcome.reason);
    }
    telemetry.record('exactly_once.relay_time', clock.now() - startedAtMs, attributes);
    return rows.length - this.#setAside(events, outcomes);
  }

  /** Topics that have to wait are not claimed for a while, so that others are; how many of the events wait. */
  #setAside(events: readonly EventEnvelope[], outcomes: readonly SendOutcome[]): number {
    const { clock, maxPollMs } = this.#parts;
    for (const { topic } of events) this.#waiting.delete(topic);
    let waiting = 0;
    for (const [index, outcome] of outcomes.entries()) {
      const event = events[index];
      if (outcome.status !== 'later' || event === undefined) continue;
      waiting++;
      this.#waiting.set(event.topic, { reason: outcome.reason, untilMs: clock.now() + maxPollMs });
    }
    return waiting;
  }

  /** What has waited long enough is asked again by these rows, or there is nothing left of it. */
  #tryAgain(rows: readonly OutboxRow[]): void {
    const claimed = new Set(rows.map(({ event }) => event.topic));
    const still = new Set(this.#waitingTopics());
    for (const topic of this.#waiting.keys()) {
      if (!still.has(topic) && !claimed.has(topic)) this.#waiting.delete(topic);
    }
  }

  #waitingTopics(): string[] {
    const nowMs = this.#parts.clock.now();
    return [...this.#waiting].flatMap(([topic, { untilMs }]) => (nowMs < untilMs ? [topic] : []));
  }

  /** Others are published meanwhile; health says what waits. */
  #reportWaiting(): void {
    const [first] = this.#waiting.values();
    const reason = first?.reason ?? null;
    if (reason !== null && reason !== this.#trouble) {
      this.#parts.logger.warn(`relay: some events wait: ${reason}`);
    }
    this.#trouble = reason;
  }

  async #failed(error: unknown, failures: number, signal: AbortSignal): Promise<void> {
    const { clock, logger, random } = this.#parts;
    if (hasCode(error, 'EO_LEASE_LOST')) {
      logger.warn(`relay: ${errorChain(error).join(' <- ')}`);
      this.#leases.clear();
      return;
    }
    const waitMs = backoffMs(defaultRetryPolicy, failures, random);
    this.#trouble = errorChain(error).join(' <- ');
    logger.warn(`relay: nothing settled, again in ${waitMs} ms: ${this.#trouble}`);
    await clock.sleep(waitMs, signal);
  }

  async #releaseAll(): Promise<void> {
    for (const { lease } of this.#leases.values()) {
      try {
        await this.#parts.storage.leases.release(lease);
      } catch (error) {
        this.#parts.logger.warn(
          `relay: shard ${lease.shard} runs out by itself: ${errorChain(error).join(' <- ')}`,
        );
      }
    }
    this.#leases.clear();
  }
}
