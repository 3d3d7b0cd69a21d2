/**
 * Gathers the fresh events of batch handlers within one transaction and calls each handler with up to its number of
 * them. Step 5 of an event's life.
 *
 * What waits here is not handled: a group that ends calls for it first. A call fails as a whole and undoes the whole
 * transaction; the processor then tries halves, so that an event is blamed only for what it did alone.
 */
import { ExactlyOnceError } from '../errors/exactly-once-error.js';
import type { Transaction } from '../storage/transaction.js';
import type { Payloads } from './batch-payloads.js';
import { unitLabel } from './batch-plan.js';
import type { GroupInterrupt } from './call-end.js';
import { type CalledEvent, type CallParts, callHandler } from './handler-call.js';
import type { HandlerUnit } from './handler-unit.js';
import type { RegisteredHandler } from './registered-handler.js';

/** A batch call failed: with what, and whose it was. */
export class BatchCallFailed extends Error {
  constructor(
    readonly reason: unknown,
    readonly units: readonly HandlerUnit[],
  ) {
    super('a batch call failed', { cause: reason });
    this.name = 'BatchCallFailed';
  }
}

export interface BatchCallsRequest {
  readonly transaction: Transaction;
  readonly payloads: Payloads;
  /** Ends the calls, like their time. */
  readonly interrupt: GroupInterrupt;
}

interface Waiting extends CalledEvent {
  readonly data: unknown;
}

export class BatchCalls {
  readonly #parts: CallParts;
  readonly #request: BatchCallsRequest;
  readonly #waiting = new Map<RegisteredHandler, Waiting[]>();

  constructor(parts: CallParts, request: BatchCallsRequest) {
    this.#parts = parts;
    this.#request = request;
  }

  /** Takes a fresh unit of a batch handler, and calls for those that wait once they are enough. Throws BatchCallFailed. */
  async add(unit: HandlerUnit, handler: RegisteredHandler): Promise<void> {
    const payload = this.#request.payloads.get(unit);
    if (payload === undefined || unit.event === null || handler.batch === null) {
      throw new ExactlyOnceError('EO_INTERNAL', unitLabel(unit));
    }
    if ('failure' in payload) throw new BatchCallFailed(payload.failure, [unit]);
    const waiting = this.#waiting.get(handler) ?? [];
    this.#waiting.set(handler, waiting);
    waiting.push({ unit, event: unit.event, data: payload.data });
    if (waiting.length >= handler.batch.size) await this.#call(handler);
  }

  /** Calls for all that still wait. Throws BatchCallFailed. */
  async flush(): Promise<void> {
    for (const handler of [...this.#waiting.keys()]) await this.#call(handler);
  }

  async #call(handler: RegisteredHandler): Promise<void> {
    const events = this.#waiting.get(handler)!;
    this.#waiting.delete(handler);
    const { transaction, interrupt } = this.#request;
    const payloads = events.map(({ data }) => data);
    try {
      const call = { handler, events, payloads, transaction, savepoint: false, beside: false, interrupt };
      await callHandler(this.#parts, call);
    } catch (error) {
      throw new BatchCallFailed(
        error,
        events.map(({ unit }) => unit),
      );
    }
  }
}
