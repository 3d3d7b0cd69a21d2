/**
 * One event for one handler: the smallest thing that is admitted, handled, retried and dead-lettered.
 *
 * A delivery that cannot be read is a unit too, of nobody's handler, so that it is dead-lettered in order and once.
 */
import type { Delivery } from '../broker/delivery.js';
import type { EventEnvelope } from '../event/event-envelope.js';
import type { KnownHandler } from '../inbox/handler-store.js';
import type { RegisteredHandler } from './registered-handler.js';

export interface HandlerUnit {
  /** Which delivery of the batch it came from. */
  readonly index: number;
  readonly delivery: Delivery;
  /** `null` where the delivery could not be read. */
  readonly event: EventEnvelope | null;
  /** `null` where there is nothing to call; `hopeless` or `forbidden` then says why. */
  readonly handler: RegisteredHandler | null;
  /** Under whose name it stands in the inbox. */
  readonly known: KnownHandler;
  readonly key: Uint8Array;
  readonly fingerprint: Uint8Array;
  /** Calls of the handler that failed by this event's fault. */
  attempts: number;
  /** It failed, or seemed to: from then on its transaction is its own. */
  alone: boolean;
  firstAttemptAtMs: number;
  /** Of a batch call that failed: with which of its neighbours it is tried again. */
  half: object | null;
  /** Not to be tried before this time. */
  dueAtMs: number;
  /** Why it is given up instead of handled: dead-lettered or, where it `parks`, parked. */
  hopeless: Error | null;
  parks: boolean;
  /** Where it parks: when it is to be tried again; `null`: a person decides. */
  nextAttemptAtMs: number | null;
  /** Processes that died while they ran it alone. */
  deaths: number;
  /** Why the consumer must stop before it. */
  readonly forbidden: Error | null;
}
