/**
 * Where the relay sends to, and what the broker answers for each event. Step 2 of an event's life.
 *
 * Silence is no answer: where nothing certain is known, `send` throws.
 */
import type { EventEnvelope } from '../event/event-envelope.js';

export type SendOutcome =
  | { readonly status: 'sent' }
  /** Can never be sent, for example larger than the broker takes. */
  | { readonly status: 'refused'; readonly reason: string }
  /** Not known to be sent, for a reason outside of the event, for example a topic that is missing: it waits. */
  | { readonly status: 'later'; readonly reason: string }
  /** Not sent, because one before it, of its topic and key, was refused: it waits until somebody decides on that. */
  | { readonly status: 'behind' };

export interface Publisher {
  /** Connects where needed and keeps trying; resolves when connected or `signal` aborts. */
  start(signal: AbortSignal): Promise<void>;
  /**
   * Sends the events in the order given and answers for each, once the broker has acknowledged it durably.
   * After a `later` no later event of that topic is `sent`, and after a `refused` none of that topic and key. Called
   * again only once it has answered.
   * Throws where nothing certain is known of any (connection lost, time-out): the caller sends the same again.
   */
  send(events: readonly EventEnvelope[]): Promise<SendOutcome[]>;
  stop(): Promise<void>;
}
