/**
 * One run of the application under test, as a process would be: from its start to its end. Several may share a broker
 * and a database, one after another or at the same time.
 */
import type { Storage } from '@exactly-once/core';
import { InMemoryStorage } from '../in-memory-storage.js';
import { ManualClock } from '../manual-clock.js';
import { DeliveryFailed, givenUp } from './delivery-failed.js';
import type { INestMicroservice } from './peers.js';
import { graceMs, type Recipe } from './recipe.js';
import { TestBroker } from './test-broker.js';
import { messageOf, type TestEvent } from './test-event.js';
import { type Faults, TestRecord } from './test-record.js';

export interface RunParts {
  readonly schema: string | null;
  readonly group: string;
  readonly watchers: readonly Faults[];
  /** Default: a new one. */
  readonly broker?: TestBroker;
  /**
   * Milliseconds since the epoch: the time of events that the application publishes and handles itself. Ids of what those
   * handlers publish are derived from it, so runs that are compared share one. Default: the clock's.
   */
  readonly publishedAtMs?: number;
  /** Of an earlier run, where it is to know what that did. Default: a new one. */
  readonly memory?: InMemoryStorage;
}

/** `duplicate`: no handler was called. */
export type DeliveryOutcome = 'handled' | 'duplicate' | DeliveryFailed;

export class RunningApplication {
  readonly record: TestRecord;
  readonly broker: TestBroker;
  readonly clock: ManualClock;
  readonly memory: InMemoryStorage;
  #made: { readonly nest: INestMicroservice; readonly storage: Storage } | null = null;
  #closed: Promise<void> | null = null;

  private constructor({ watchers, broker = new TestBroker(), memory, publishedAtMs }: RunParts) {
    this.record = new TestRecord(...watchers);
    this.broker = broker;
    this.clock = new ManualClock(Date.now(), () => (this.#closed === null ? this.record.idle() : nextTurn()));
    this.memory = memory ?? new InMemoryStorage(this.clock);
    this.record.onPublished = ({ event, deliverAtMs }) => {
      const message = messageOf(publishedAtMs === undefined ? event : { ...event, timeMs: publishedAtMs });
      const append = () => this.broker.append(event.topic, message);
      const waitMs = (deliverAtMs ?? 0) - this.clock.now();
      if (waitMs > 0) this.clock.timer(waitMs, append);
      else append();
    };
  }

  static async start(recipe: Recipe, parts: RunParts): Promise<RunningApplication> {
    const running = new RunningApplication(parts);
    const { record: observer, broker, clock, memory } = running;
    const { schema, group } = parts;
    running.#made = await recipe.make({ observer, broker, clock, memory, schema, group });
    return running;
  }

  get nest(): INestMicroservice {
    return this.#made!.nest;
  }

  get storage(): Storage {
    return this.#made!.storage;
  }

  /** Hands the event over, once or in several copies, and waits until nothing goes on any more. */
  async deliver(event: TestEvent, copies = 1): Promise<DeliveryOutcome> {
    const { calls, parked, buried } = this.record;
    const from = { calls: calls.length, parked: parked.length, buried: buried.length };
    const standing = await this.broker.deliver(event.topic, ...Array(copies).fill(event.message));
    const rest = standing === 'acknowledged' ? await this.settled() : standing;
    const ofEvent = calls.slice(from.calls).filter(({ ids }) => ids.includes(event.id));
    const error = ofEvent.findLast(({ failure }) => failure !== null)?.failure?.error;
    if (typeof rest === 'object' && 'stopped' in rest)
      return new DeliveryFailed('stopped', 'nothing of the topic is handled any more', rest.stopped);
    if (typeof rest === 'object') {
      const what = `the event waits in its place, and what is behind it, too: clock.advance(${rest.waitsMs})`;
      return new DeliveryFailed('waiting', what, error);
    }
    const letter = buried.slice(from.buried).find(({ eventId }) => eventId === event.id);
    if (letter !== undefined) return givenUp(letter, error);
    const waits = parked.slice(from.parked).find(({ headers }) => textOf(headers['ce_id']) === event.id);
    if (waits === undefined) return ofEvent.length === 0 ? 'duplicate' : 'handled';
    const { nextAttemptAtMs, attempts } = waits;
    if (nextAttemptAtMs === null)
      return new DeliveryFailed('waiting', 'the event waits behind an earlier one of its key');
    const waitMs = Math.max(0, nextAttemptAtMs - this.clock.now());
    const what = `attempt ${attempts} failed, the next one is due in ${waitMs} ms: clock.advance(${waitMs})`;
    return new DeliveryFailed('waiting', what, error);
  }

  /** Also what the module's own handlers published to each other. */
  async settled() {
    for (const topic of this.broker.topics) {
      const standing = await this.broker.standing(topic);
      if (standing !== 'acknowledged') return standing;
    }
    await this.record.idle();
    return 'acknowledged' as const;
  }

  /** May be called again. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  /** The grace of a shutdown passes by itself: a handler that never returns is rolled back all the same. */
  async #close(): Promise<void> {
    const timer = setInterval(() => void this.clock.advance(graceMs), graceMs);
    try {
      await this.#made?.nest.close();
    } finally {
      clearInterval(timer);
    }
  }
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function textOf(bytes: Uint8Array | undefined): string | null {
  return bytes === undefined ? null : Buffer.from(bytes).toString();
}
