/**
 * One run of the events from the same beginning, with at most one fault: what stands in the tables and what was published
 * when all has come to rest.
 */
import type { EventEnvelope } from '@exactly-once/core';
import { DeliveryFailed } from '../application/delivery-failed.js';
import type { Recipe } from '../application/recipe.js';
import { RunningApplication } from '../application/running-application.js';
import type { TestBroker } from '../application/test-broker.js';
import { publishedEvent, type TestEvent } from '../application/test-event.js';
import type { Faults } from '../application/test-record.js';
import { refuseEscapes } from '../watching/detect-escapes.js';
import type { Books, Rows } from './books.js';
import { type Fields, flat, type Grouped } from './difference.js';
import { Meeting } from './meeting.js';
import { type OutsideCall, watchOutsideCalls } from './outside-calls.js';
import { PlantedFault } from './planted-fault.js';

export interface TrialResult {
  readonly rows: Rows;
  /** Writes of handlers after their event's end. */
  readonly late: readonly Error[];
  /** What the database has made for rows. */
  readonly madeValues: ReadonlySet<string>;
  /** By type; fields flat, the event's own first. */
  readonly published: Grouped;
  readonly failure: DeliveryFailed | null;
  readonly fault: PlantedFault;
  readonly outsideCalls: readonly OutsideCall[];
  /** What stood in the tables when the process had ended before its COMMIT; `null` where it did not. */
  readonly leftBehind: Rows | null;
}

/** What all trials share. */
export interface Ground {
  readonly recipe: Recipe;
  /** `null`: the module has no database. */
  readonly books: Books | null;
  readonly schema: string | null;
  readonly events: readonly TestEvent[];
  /** Of all events that are published, in every run. */
  readonly publishedAtMs: number;
  /** Ends the trial, whatever its handlers do. */
  readonly signal: AbortSignal;
}

/** Waits in a row that a trial follows, before what waits has failed. */
const mostWaits = 12;
/** Milliseconds: longer than the longest wait between two attempts by default. */
const longWaitMs = 31_000;

export class Trial {
  readonly #ground: Ground;
  readonly #published: EventEnvelope[] = [];
  readonly #outsideCalls: OutsideCall[] = [];
  readonly #running: RunningApplication[] = [];
  readonly #late: Error[] = [];
  readonly #starts: Promise<RunningApplication>[] = [];

  constructor(ground: Ground) {
    this.#ground = ground;
  }

  /** In one process; `rounds` times, each as a new process that gets all of it again. */
  async run(
    fault: PlantedFault,
    { events = this.#ground.events, rounds = 1, copies = 1 } = {},
  ): Promise<TrialResult> {
    return this.#judged(fault, async () => {
      let failure: DeliveryFailed | null = null;
      for (let round = 0; round < rounds; round++) {
        const process = await this.#start('one', fault);
        for (const event of events) failure ??= await this.#deliver(process, event, copies);
        await process.close();
      }
      return { failure, leftBehind: null };
    });
  }

  /** The process ends at the fault, and another one takes over. */
  async runTwice(fault: PlantedFault): Promise<TrialResult> {
    return this.#judged(fault, async () => {
      const [books, isEarly] = [this.#ground.books, () => fault.fired];
      const first = await this.#start('one', fault);
      for (const event of this.#ground.events) if (!isEarly()) await first.deliver(event);
      const { broker } = first;
      await first.close();
      const leftBehind = (await books?.read()) ?? null;
      const second = await this.#start('one', PlantedFault.none(), { broker });
      let failure = await this.#rest(second);
      for (const event of this.#ground.events) failure ??= await this.#deliver(second, event);
      await second.close();
      return { failure, leftBehind };
    });
  }

  /** Two processes get all of it at the same time. */
  async runBeside(): Promise<TrialResult> {
    const fault = PlantedFault.none();
    return this.#judged(fault, async () => {
      const both = [await this.#start('one', fault), await this.#start('other', fault)];
      let failure: DeliveryFailed | null = null;
      for (const event of this.#ground.events) {
        const ends = await Promise.all(both.map((process) => this.#deliver(process, event)));
        failure ??= ends.find((end) => end !== null) ?? null;
      }
      for (const process of both) await process.close();
      return { failure, leftBehind: null };
    });
  }

  /** Two processes, and each gets an event of another key, whose handlers begin at the same moment. */
  async runAcross(pairs: readonly (readonly TestEvent[])[]): Promise<TrialResult> {
    const [fault, meeting] = [PlantedFault.none(), new Meeting()];
    return this.#judged(fault, async () => {
      const both = [
        await this.#start('one', fault, { meeting }),
        await this.#start('other', fault, { meeting }),
      ];
      let failure: DeliveryFailed | null = null;
      for (const pair of pairs) {
        meeting.begin(pair.length);
        const deliveries = pair.map((event, index) =>
          this.#deliver(both[index]!, event).finally(() => meeting.end()),
        );
        const ends = await Promise.all(deliveries);
        failure ??= ends.find((end) => end !== null) ?? null;
      }
      for (const process of both) await process.close();
      return { failure, leftBehind: null };
    });
  }

  async #judged(
    fault: PlantedFault,
    work: () => Promise<Pick<TrialResult, 'failure' | 'leftBehind'>>,
  ): Promise<TrialResult> {
    const { books } = this.#ground;
    await books?.reset();
    const unwatch = watchOutsideCalls(this.#outsideCalls);
    try {
      const { failure, leftBehind } = await unlessAborted(this.#ground.signal, work());
      const { rows, made } = (await books?.readAll()) ?? { rows: new Map(), made: new Set<string>() };
      return {
        rows,
        late: this.#late,
        madeValues: made,
        published: this.#grouped(),
        failure,
        fault,
        outsideCalls: this.#outsideCalls,
        leftBehind,
      };
    } finally {
      unwatch();
      for (const start of await Promise.allSettled(this.#starts))
        if (start.status === 'fulfilled') await start.value.close();
    }
  }

  async #start(
    group: string,
    fault: Faults,
    { broker, meeting }: { broker?: TestBroker; meeting?: Meeting } = {},
  ): Promise<RunningApplication> {
    const { recipe, schema, signal, publishedAtMs } = this.#ground;
    signal.throwIfAborted();
    const watchers = [
      fault,
      ...(meeting === undefined ? [] : [meeting]),
      ...(recipe.options.escapes === 'allow' ? [] : [refuseEscapes((error) => this.#late.push(error))]),
    ];
    const start = RunningApplication.start(recipe, {
      ...{ schema, group, watchers, publishedAtMs },
      ...(broker && { broker }),
      ...(this.#running[0] && { memory: this.#running[0].memory }),
    });
    this.#starts.push(start);
    const process = await start;
    this.#running.push(process);
    return process;
  }

  /** Until it is done, however often it is tried again; `null` where all is well. */
  async #deliver(process: RunningApplication, event: TestEvent, copies = 1): Promise<DeliveryFailed | null> {
    const outcome = await process.deliver(event, copies);
    if (!(outcome instanceof DeliveryFailed)) return null;
    return outcome.fate === 'waiting' ? ((await this.#rest(process)) ?? this.#given(process)) : outcome;
  }

  /** Lets time pass until nothing waits any more. */
  async #rest(process: RunningApplication): Promise<DeliveryFailed | null> {
    for (let waits = 0; waits < mostWaits; waits++) {
      const standing = await process.settled();
      if (standing === 'acknowledged') {
        if ((await process.storage.parked.count()) === 0) return null;
        await process.clock.advance(longWaitMs);
      } else if ('stopped' in standing)
        return new DeliveryFailed('stopped', 'nothing goes on', standing.stopped);
      else await process.clock.advance(standing.waitsMs);
    }
    return new DeliveryFailed('waiting', 'the event never comes to its end', lastError(process));
  }

  #given(process: RunningApplication): DeliveryFailed | null {
    if (process.record.buried.length === 0) return null;
    return new DeliveryFailed('dead-lettered', 'the event was given up', lastError(process));
  }

  #grouped(): Grouped {
    for (const { record } of this.#running) this.#published.push(...record.published);
    const { codec } = this.#ground.recipe.engine;
    const grouped = new Map<string, Fields[]>();
    for (const envelope of this.#published) {
      const { type, ...fields } = publishedEvent(envelope, codec);
      grouped.set(type, [...(grouped.get(type) ?? []), flat(fields)]);
    }
    return grouped;
  }
}

/** What `work` gives; rejects at once when the signal says so, and `work` goes on by itself until it notices. */
async function unlessAborted<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  let stop = () => {};
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(signal.reason);
  });
  signal.addEventListener('abort', stop, { once: true });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

function lastError({ record }: RunningApplication): unknown {
  return record.calls.findLast(({ failure }) => failure !== null)?.failure?.error;
}
