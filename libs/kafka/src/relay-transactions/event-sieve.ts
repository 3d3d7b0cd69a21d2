/**
 * Finds out which events of a batch the broker takes, and cuts them into requests. Step 2 of an event's life.
 *
 * What it refuses together is halved, and each half tried by itself, from the first to the last. What is not in a request
 * in the end was answered.
 */
import { isTopicCondition, refusalOf, topicUnavailable } from '../kafka-errors.js';
import { byTopic, type OutgoingEvent, type OutgoingEvents } from '../outgoing-events.js';
import type { RequestBound } from '../request-bound.js';
import type { TopicPauses } from './topic-pauses.js';

export interface SieveParts {
  readonly outgoing: OutgoingEvents;
  readonly bound: RequestBound;
  readonly pauses: TopicPauses;
  /** Why the broker does not take them together, where that is for them or for their topic; `null` where it does. */
  readonly probe: (events: readonly OutgoingEvent[]) => Promise<unknown>;
}

type Requests = readonly OutgoingEvent[][];

export class EventSieve {
  readonly #parts: SieveParts;

  constructor(parts: SieveParts) {
    this.#parts = parts;
  }

  /** All that nothing is known against. */
  requests(): Requests {
    const { outgoing, bound } = this.#parts;
    const fit = outgoing.all.filter((event) => {
      const reason = bound.refusal(event);
      if (reason === null) return outgoing.notBehind([event]).length > 0;
      outgoing.refused(event, reason);
      return false;
    });
    return bound.split(this.#notPaused(fit));
  }

  /** What is left of the requests, where the broker has answered `error` to them together. */
  async sifted(requests: Requests, error: unknown): Promise<Requests> {
    const kept: OutgoingEvent[][] = [];
    for (const request of requests) {
      kept.push(...(await this.#sift(request, requests.length === 1 ? error : undefined)));
    }
    return kept;
  }

  /** `error`: what is known of them together. */
  async #sift(given: readonly OutgoingEvent[], error?: unknown): Promise<OutgoingEvent[][]> {
    const { outgoing, probe } = this.#parts;
    const events = this.#notPaused(outgoing.notBehind(given));
    if (events.length === 0) return [];
    const answer = error ?? (await probe(events));
    if (answer === null) return [[...events]];
    if (isTopicCondition(answer)) return this.#siftTopics(events, answer);
    const [first] = events;
    if (events.length === 1) {
      outgoing.refused(first!, refusalOf(answer)!);
      return [];
    }
    const middle = Math.ceil(events.length / 2);
    const before = await this.#sift(events.slice(0, middle));
    return [...before, ...(await this.#sift(events.slice(middle)))];
  }

  async #siftTopics(events: readonly OutgoingEvent[], error: unknown): Promise<OutgoingEvent[][]> {
    const topics = [...byTopic(events)];
    const kept: OutgoingEvent[][] = [];
    for (const [topic, part] of topics) {
      const answer = topics.length === 1 ? error : await this.#parts.probe(part);
      if (answer === null) kept.push(part);
      else if (isTopicCondition(answer)) this.#pause(topic, part, answer);
      else kept.push(...(await this.#sift(part, answer)));
    }
    return kept;
  }

  #pause(topic: string, events: readonly OutgoingEvent[], error: unknown): void {
    const { message: reason } = topicUnavailable(topic, error);
    this.#parts.pauses.begin(topic, reason);
    this.#parts.outgoing.later(events, reason);
  }

  #notPaused(events: readonly OutgoingEvent[]): readonly OutgoingEvent[] {
    const { outgoing, pauses } = this.#parts;
    return events.filter((one) => {
      const reason = pauses.reason(one.event.topic);
      if (reason !== null) outgoing.later([one], reason);
      return reason === null;
    });
  }
}
