/**
 * A show without a shop: a source whose state a test sets, for the page and its server.
 */
import type { JourneyStep, ShowSource, ShowState } from '../../apps/shop/src/page/show-state.js';

const before: ShowState = {
  mode: 'protected',
  phase: 'running',
  seed: 42,
  again: 'npm start -- --seed 42',
  elapsedMs: 1_500,
  orders: { wanted: 1_000, placed: 12, paid: 9, shipped: 5, cancelled: 1 },
  payments: 9,
  refusals: 1,
  shipments: 5,
  notifications: 6,
  deliveries: 61,
  duplicatesAbsorbed: 23,
  crashes: [],
  audit: null,
  memoryMiB: 181.4,
  recent: [
    { orderId: 'order-3', totalCents: 129_900, state: 'placed', trouble: null },
    { orderId: 'order-2', totalCents: 4_550, state: 'paid', trouble: null },
    { orderId: 'order-1', totalCents: 999, state: 'shipped', trouble: null },
  ],
};

export class Rehearsal implements ShowSource {
  readonly journeys = new Map<string, readonly JourneyStep[]>();
  readonly #listeners = new Set<() => void>();
  #state: ShowState;
  /** How often the state was asked for. */
  asked = 0;

  constructor(changes: Partial<ShowState> = {}) {
    this.#state = { ...before, ...changes };
  }

  get listeners(): number {
    return this.#listeners.size;
  }

  change(changes: Partial<ShowState>): void {
    this.#state = { ...this.#state, ...changes };
    for (const listener of this.#listeners) listener();
  }

  state(): ShowState {
    this.asked++;
    return this.#state;
  }

  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  journey(orderId: string): readonly JourneyStep[] | null {
    return this.journeys.get(orderId) ?? null;
  }
}

/** A step with what a test does not care about filled in. */
export function step(changes: Partial<JourneyStep>): JourneyStep {
  return {
    atMs: 400,
    step: 'published',
    type: 'order.placed',
    eventId: 'event-1',
    handler: null,
    note: null,
    ...changes,
  };
}
