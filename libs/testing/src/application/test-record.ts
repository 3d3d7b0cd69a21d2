/**
 * What happened in a test: handler calls and their failures, what was published, parked and given up; and whether
 * anything still goes on. Sees it through the storage; changes nothing.
 */
import type {
  DeadLetter,
  EventEnvelope,
  ExactlyOnceError,
  ParkedEvent,
  WrittenEntry,
} from '@exactly-once/core';
import type { CallObserver, HandlerCall } from '../watching/handler-call.js';
import type { Step, StorageObserver } from '../watching/watched-storage.js';

/** What a test lets happen: each may throw, and that is the error of what was about to be done. */
export interface Faults extends CallObserver {
  enter?(): void;
  step?(step: Step): void;
}

export interface RecordedCall {
  readonly handler: string;
  /** Ids of its events. */
  readonly ids: readonly string[];
  failure: { readonly error: unknown } | null;
}

export class TestRecord implements StorageObserver {
  readonly published: EventEnvelope[] = [];
  readonly calls: RecordedCall[] = [];
  readonly parked: ParkedEvent[] = [];
  readonly buried: DeadLetter[] = [];
  /** Told of each event once its transaction has committed. */
  onPublished: (entry: WrittenEntry) => void = () => {};
  readonly #watchers: readonly Faults[];
  readonly #open = new Map<HandlerCall, RecordedCall>();
  #busy = 0;

  constructor(...watchers: readonly Faults[]) {
    this.#watchers = watchers;
  }

  enter(): void {
    for (const one of this.#watchers) one.enter?.();
  }

  step(step: Step): void {
    for (const one of this.#watchers) one.step?.(step);
  }

  statement(call: HandlerCall, sql: string, site: string | null): void {
    for (const one of this.#watchers) one.statement?.(call, sql, site);
  }

  elsewhere(call: HandlerCall, sql: string, site: string | null): void {
    for (const one of this.#watchers) one.elsewhere?.(call, sql, site);
  }

  outside(call: HandlerCall, sql: string): void {
    for (const one of this.#watchers) one.outside?.(call, sql);
  }

  beforeCall(): Promise<void> | undefined {
    const waits = this.#watchers.flatMap((one) => one.beforeCall?.() ?? []);
    return waits.length === 0 ? undefined : Promise.all(waits).then(() => undefined);
  }

  late(call: HandlerCall, error: ExactlyOnceError): void {
    for (const one of this.#watchers) one.late?.(call, error);
  }

  called(call: HandlerCall): void {
    const ids = (call.scope.invocation?.contexts ?? []).map(({ id }) => id);
    const recorded: RecordedCall = { handler: call.handler, ids, failure: null };
    this.#open.set(call, recorded);
    this.calls.push(recorded);
    this.#busy++;
    for (const one of this.#watchers) one.called?.(call);
  }

  returned(call: HandlerCall, failure: { readonly error: unknown } | null): void {
    this.#busy--;
    const recorded = this.#open.get(call);
    this.#open.delete(call);
    try {
      for (const one of this.#watchers) one.returned?.(call, failure);
      const { violation } = call.scope;
      if (recorded !== undefined) recorded.failure = failure ?? (violation && { error: violation });
    } catch (error) {
      if (recorded !== undefined) recorded.failure = { error };
      throw error;
    }
  }

  committed(entries: readonly WrittenEntry[]): void {
    for (const entry of entries) {
      this.published.push(entry.event);
      this.onPublished(entry);
    }
  }

  /** Whether a handler was called with the event, or it was given up. */
  knows(id: string): boolean {
    return (
      this.calls.some(({ ids }) => ids.includes(id)) || this.buried.some(({ eventId }) => eventId === id)
    );
  }

  park(event: ParkedEvent): void {
    this.parked.push(event);
  }

  bury(letter: DeadLetter): void {
    this.buried.push(letter);
  }

  async busy<T>(work: Promise<T>): Promise<T> {
    this.#busy++;
    try {
      return await work;
    } finally {
      this.#busy--;
    }
  }

  /** Resolves when no handler runs and nothing is asked of the storage, for a few turns of the event loop. */
  readonly idle = async (): Promise<void> => {
    for (let quietTurns = 0; quietTurns < 5; quietTurns++) {
      await new Promise((resolve) => setImmediate(resolve));
      if (this.#busy > 0) quietTurns = -1;
    }
  };
}
