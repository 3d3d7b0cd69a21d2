/**
 * Finds out which events of a batch the broker takes, and cuts them into requests. Step 2 of an event's life.
 *
 * Topics are told from one another first. What the broker refuses together is halved, and each half tried by itself, from
 * the first to the last. What is not in a request in the end was answered.
 */
import { isConnectionClosed, isTopicCondition, refusalOf, topicUnavailable } from '../kafka-errors.js';
import { byTopic, type OutgoingEvent, type OutgoingEvents } from '../outgoing-events.js';
import type { RequestBound } from '../request-bound.js';
import type { TopicFailures } from '../topic-failures.js';
import type { TopicPauses } from '../topic-pauses.js';

export interface SieveParts {
  readonly outgoing: OutgoingEvents;
  readonly bound: RequestBound;
  readonly pauses: TopicPauses;
  readonly failures: TopicFailures;
  /** Why the broker does not take them together, where that is for them or for their topic; `null` where it does. */
  readonly probe: (events: readonly OutgoingEvent[]) => Promise<unknown>;
}

type Events = readonly OutgoingEvent[];
type Requests = readonly OutgoingEvent[][];

export class EventSieve {
  readonly #parts: SieveParts;

  constructor(parts: SieveParts) {
    this.#parts = parts;
  }

  /** All that nothing is known against. Topics that failed are asked for by themselves before. */
  async requests(): Promise<Requests> {
    const { outgoing, bound, pauses } = this.#parts;
    const fit = outgoing.all.filter((event) => {
      const reason = bound.refusal(event);
      if (reason === null) return outgoing.notBehind([event]).length > 0;
      outgoing.refused(event, reason);
      return false;
    });
    const kept: OutgoingEvent[] = [];
    for (const [topic, part] of byTopic(this.#notPaused(fit))) {
      if (!pauses.isDoubtful(topic)) kept.push(...part);
      else for (const request of bound.split(part)) kept.push(...(await this.#sift(request)).flat());
    }
    return bound.split(kept.sort((a, b) => a.index - b.index));
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
  async #sift(given: Events, error?: unknown): Promise<OutgoingEvent[][]> {
    const { outgoing } = this.#parts;
    const events = outgoing.notBehind(this.#notPaused(given));
    if (events.length === 0) return [];
    const answer = error ?? (await this.#probe(events));
    if (answer === null) return [[...events]];
    const refusal = refusalOf(answer);
    if (refusal !== null) return this.#halve(events, refusal);
    const topics = [...byTopic(events).values()];
    if (topics.length === 1) return this.#siftTopic(events, answer);
    if (isConnectionClosed(answer)) this.#parts.bound.closed(events);
    const kept: OutgoingEvent[][] = [];
    for (const part of topics) kept.push(...(await this.#sift(part)));
    return kept;
  }

  /** Events of one topic. */
  async #siftTopic(events: Events, error: unknown): Promise<OutgoingEvent[][]> {
    const { bound, failures, outgoing, pauses } = this.#parts;
    const { topic } = events[0]!.event;
    if (isTopicCondition(error)) {
      const { message: reason } = topicUnavailable(topic, error);
      pauses.begin(topic, reason);
      outgoing.later(events, reason);
      return [];
    }
    if (isConnectionClosed(error)) {
      if (events.length === 1 && !bound.mayExplain(events)) await this.#probeSmallest(topic);
      if (bound.mayExplain(events)) return this.#siftClosed(events);
    }
    failures.add(topic, events, error);
    return [];
  }

  /** By their size the connection may have been closed: until that is certain of one, or it passes after all. */
  async #siftClosed(events: Events): Promise<OutgoingEvent[][]> {
    const reason = this.#parts.bound.closed(events);
    if (reason !== null || events.length > 1) return this.#halve(events, reason);
    return this.#sift(events);
  }

  /** `reason`: of a single one it is certain. */
  async #halve(events: Events, reason: string | null): Promise<OutgoingEvent[][]> {
    if (events.length === 1) {
      this.#parts.outgoing.refused(events[0]!, reason!);
      return [];
    }
    const middle = Math.ceil(events.length / 2);
    const before = await this.#sift(events.slice(0, middle));
    return [...before, ...(await this.#sift(events.slice(middle)))];
  }

  /** Nothing stays of it, so that order is kept: whether others pass can be told. */
  async #probeSmallest(topic: string): Promise<void> {
    const ofTopic = this.#parts.outgoing.all.filter(({ event }) => event.topic === topic);
    await this.#probe([ofTopic.reduce((least, one) => (one.bytes < least.bytes ? one : least))]);
  }

  async #probe(events: Events): Promise<unknown> {
    const { bound, pauses, probe } = this.#parts;
    pauses.asking();
    const answer = await probe(events);
    if (answer !== null) return answer;
    bound.passed(events);
    for (const topic of byTopic(events).keys()) pauses.end(topic);
    return null;
  }

  #notPaused(events: Events): Events {
    const { outgoing, pauses } = this.#parts;
    return events.filter((one) => {
      const reason = pauses.reason(one.event.topic);
      if (reason !== null) outgoing.later([one], reason);
      return reason === null;
    });
  }
}
