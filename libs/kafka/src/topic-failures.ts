/**
 * Topics of one batch whose events got no answer, while the broker answers otherwise: they wait, and the others go on.
 * Step 2 of an event's life.
 *
 * Where nothing of the batch has passed it is not known yet that only the topic is to blame: the batch is rejected, and
 * the topic waits when it fails again.
 */
import { isConnectionClosed, topicUnavailable } from './kafka-errors.js';
import type { OutgoingEvent, OutgoingEvents } from './outgoing-events.js';
import type { RequestBound } from './request-bound.js';
import type { TopicPauses } from './topic-pauses.js';

export class TopicFailures {
  readonly #outgoing: OutgoingEvents;
  readonly #pauses: TopicPauses;
  readonly #bound: RequestBound;
  /** What is to be thrown, by topic, where nothing passes. */
  readonly #first = new Map<string, unknown>();

  constructor(outgoing: OutgoingEvents, pauses: TopicPauses, bound: RequestBound) {
    this.#outgoing = outgoing;
    this.#pauses = pauses;
    this.#bound = bound;
  }

  /** The events are of the one topic. Where it is their size that may be the reason, the topic is tried again at once. */
  add(topic: string, events: readonly OutgoingEvent[], error: unknown): void {
    const { message } = topicUnavailable(topic, error);
    const closed = isConnectionClosed(error);
    const mayBeSize = closed && this.#bound.mayExplain(events);
    if (!this.#pauses.isDoubtful(topic) || mayBeSize) this.#first.set(topic, error);
    if (closed) this.#pauses.doubt(topic, message);
    else this.#pauses.begin(topic, message);
    this.#outgoing.later(events, message);
  }

  /** Once all are answered. Throws where none was sent or refused, unless the topics have failed before. */
  check(): void {
    const [first] = this.#first;
    if (first === undefined || this.#outgoing.anyCertain) return;
    for (const [topic, error] of this.#first)
      this.#pauses.doubt(topic, topicUnavailable(topic, error).message);
    throw first[1];
  }
}
