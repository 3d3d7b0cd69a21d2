/**
 * What happened to each order's events, as the shop's process reported it, and how often in all.
 *
 * Outlives the process that it is about: a step that was reported before a kill stays.
 */
import type { JourneyStep } from '../page/show-state.js';
import type { EventMark, ReportedStep } from '../stage/messages.js';

export class Journeys {
  readonly #byOrder = new Map<string, JourneyStep[]>();
  #deliveries = 0;
  #duplicates = 0;

  get deliveries(): number {
    return this.#deliveries;
  }

  get duplicates(): number {
    return this.#duplicates;
  }

  of(orderId: string): readonly JourneyStep[] | null {
    return this.#byOrder.get(orderId) ?? null;
  }

  add(steps: readonly ReportedStep[], atMs: number): void {
    for (const { orderId, ...step } of steps) {
      if (step.step === 'delivered') this.#deliveries++;
      if (step.step === 'duplicate') this.#duplicates++;
      this.#put(orderId, { ...step, atMs });
    }
  }

  /** The process was killed while these had written and had not committed. */
  crashed(events: readonly EventMark[], atMs: number): void {
    for (const { orderId, ...event } of events)
      this.#put(orderId, { ...event, atMs, step: 'crash', note: null });
  }

  /** Since then its handler has done its work, or, for an order that was being placed, its event was published. */
  doneAgain({ orderId, eventId, handler }: EventMark, sinceMs: number): boolean {
    const steps = this.#byOrder.get(orderId) ?? [];
    return steps.some(
      (one) =>
        one.atMs >= sinceMs &&
        (handler === null
          ? one.step === 'published'
          : one.step === 'handled' && one.eventId === eventId && one.handler === handler),
    );
  }

  #put(orderId: string, step: JourneyStep): void {
    const steps = this.#byOrder.get(orderId);
    if (steps === undefined) this.#byOrder.set(orderId, [step]);
    else steps.push(step);
  }
}
