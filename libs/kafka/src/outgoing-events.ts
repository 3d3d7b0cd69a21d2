/**
 * The events of a batch on their way out: each with its record and its place in the answer. Step 2 of an event's life.
 *
 * Order is kept within each topic: what has to wait has those behind it wait as well.
 */
import type { EventEnvelope, SendOutcome } from '@exactly-once/core';
import type { ClientMessage, TopicMessages } from './kafka-client.js';
import { toMessage } from './kafka-message.js';
import { messageBytes } from './request-bound.js';

export interface OutgoingEvent {
  readonly event: EventEnvelope;
  readonly index: number;
  readonly message: ClientMessage;
  readonly bytes: number;
}

export class OutgoingEvents {
  readonly all: readonly OutgoingEvent[];
  readonly #outcomes: (SendOutcome | undefined)[];
  /** Topics and keys of what was refused, and the place of the first of it. */
  readonly #refused = new Map<string, number>();
  /** Topics of what has to wait, and the first of it. */
  readonly #waiting = new Map<string, { readonly index: number; readonly reason: string }>();

  constructor(events: readonly EventEnvelope[]) {
    this.all = events.map((event, index) => {
      const message = toMessage(event);
      return { event, index, message, bytes: messageBytes(event.topic, message) };
    });
    this.#outcomes = new Array(events.length);
  }

  sent(events: readonly OutgoingEvent[]): void {
    this.#answer(events, { status: 'sent' });
  }

  later(events: readonly OutgoingEvent[], reason: string): void {
    for (const { event, index } of events) {
      const first = this.#waiting.get(event.topic)?.index ?? index;
      if (index <= first) this.#waiting.set(event.topic, { index, reason });
    }
    this.#answer(events, { status: 'later', reason });
  }

  refused(event: OutgoingEvent, reason: string): void {
    this.#answer([event], { status: 'refused', reason });
    if (event.event.key === null) return;
    const line = lineOf(event);
    this.#refused.set(line, Math.min(event.index, this.#refused.get(line) ?? event.index));
  }

  /** Without those behind one that was refused, or has to wait: they are answered. */
  notBehind(events: readonly OutgoingEvent[]): readonly OutgoingEvent[] {
    if (this.#refused.size === 0 && this.#waiting.size === 0) return events;
    return events.filter((one) => {
      const behind = this.#behind(one);
      if (behind !== null) this.#answer([one], behind);
      return behind === null;
    });
  }

  /** Whether one is answered at least. */
  get answered(): boolean {
    return this.#outcomes.some((outcome) => outcome !== undefined);
  }

  /** All that are not answered. */
  othersLater(reason: string): void {
    this.later(
      this.all.filter(({ index }) => this.#outcomes[index] === undefined),
      reason,
    );
  }

  /** Whether one is sent or refused at least. */
  get anyCertain(): boolean {
    return this.#outcomes.some((outcome) => outcome?.status === 'sent' || outcome?.status === 'refused');
  }

  /** Once all are answered. */
  outcomes(): SendOutcome[] {
    return this.#outcomes as SendOutcome[];
  }

  #behind(one: OutgoingEvent): SendOutcome | null {
    if (one.index > (this.#refused.get(lineOf(one)) ?? one.index)) return { status: 'behind' };
    const waiting = this.#waiting.get(one.event.topic);
    if (waiting === undefined || one.index <= waiting.index) return null;
    return { status: 'later', reason: waiting.reason };
  }

  #answer(events: readonly OutgoingEvent[], outcome: SendOutcome): void {
    for (const { index } of events) this.#outcomes[index] = outcome;
  }
}

export function byTopic(events: readonly OutgoingEvent[]): Map<string, OutgoingEvent[]> {
  const topics = new Map<string, OutgoingEvent[]>();
  for (const one of events) {
    const part = topics.get(one.event.topic);
    if (part === undefined) topics.set(one.event.topic, [one]);
    else part.push(one);
  }
  return topics;
}

export function requestOf(events: readonly OutgoingEvent[]): TopicMessages[] {
  return [...byTopic(events)].map(([topic, part]) => ({
    topic,
    messages: part.map(({ message }) => message),
  }));
}

/** What stands in one order. */
function lineOf({ event: { topic, key } }: OutgoingEvent): string {
  return JSON.stringify([topic, key]);
}
