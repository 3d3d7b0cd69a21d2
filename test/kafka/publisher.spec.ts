import type { EventEnvelope, SendOutcome } from '@exactly-once/core';
import { ManualClock } from '@exactly-once/testing';
import { beforeEach, describe, expect, it } from '@jest/globals';
import type { Kafka } from 'kafkajs';
import { KafkaPublisher } from '../../libs/kafka/src/kafka-publisher.js';

interface Batch {
  readonly topicMessages: { readonly topic: string; readonly messages: { readonly value: Buffer }[] }[];
}

const mostBytes = 100;

/** kafkajs's producer: asks for all its topics at once, and writes a request wholly or not at all. */
class FakeProducers {
  readonly written: string[] = [];
  readonly missing = new Set<string>();
  readonly forbidden = new Set<string>();
  /** Errors of the next requests, thrown after they were written. */
  readonly afterwards: Error[] = [];
  /** Called with each request before it is looked at. */
  asked: (request: number) => void = () => {};
  made = 0;
  requests = 0;

  client(): Kafka {
    return { producer: () => this.#producer() } as unknown as Kafka;
  }

  #producer() {
    this.made++;
    const topics = new Set<string>();
    return {
      connect: async () => {},
      disconnect: async () => {},
      sendBatch: async ({ topicMessages }: Batch) => {
        this.requests++;
        this.asked(this.requests);
        for (const { topic } of topicMessages) topics.add(topic);
        for (const topic of topics) {
          if (this.missing.has(topic)) throw protocolError('UNKNOWN_TOPIC_OR_PARTITION');
          if (this.forbidden.has(topic)) throw protocolError('TOPIC_AUTHORIZATION_FAILED');
        }
        const values = topicMessages.flatMap(({ messages }) => messages.map(({ value }) => value));
        if (Buffer.concat(values).length > mostBytes) throw protocolError('MESSAGE_TOO_LARGE');
        this.written.push(...values.map(String));
        const error = this.afterwards.shift();
        if (error !== undefined) throw error;
      },
    };
  }
}

function protocolError(type: string): Error {
  return Object.assign(new Error('wrapped'), { cause: Object.assign(new Error(type), { type }) });
}

const event = (value: string, topic = 't', key: string | null = null): EventEnvelope => ({
  ...{ id: value, source: 's', type: 'x', version: 1, topic, key, timeMs: 0 },
  ...{
    contentType: 'text/plain',
    headers: {},
    traceparent: null,
    tracestate: null,
    body: Buffer.from(value),
  },
});

describe('KafkaPublisher', () => {
  let kafka: FakeProducers;
  let clock: ManualClock;
  let publisher: KafkaPublisher;
  const log: string[] = [];

  beforeEach(() => {
    kafka = new FakeProducers();
    clock = new ManualClock();
    const keep = (line: string) => void log.push(line);
    const logger = { error: keep, warn: keep, info: keep, debug: keep };
    publisher = new KafkaPublisher({ kafka: kafka.client(), config: {}, clock, logger });
  });

  const statuses = (outcomes: SendOutcome[]) => outcomes.map(({ status }) => status);

  it('refuses the one event that is too large, sends its neighbours, and keeps their order', async () => {
    const large = 'x'.repeat(mostBytes + 1);

    const outcomes = await publisher.send([event('a'), event('b'), event(large), event('c'), event('d')]);

    expect(statuses(outcomes)).toEqual(['sent', 'sent', 'refused', 'sent', 'sent']);
    expect(outcomes[2]).toEqual({ status: 'refused', reason: 'MESSAGE_TOO_LARGE' });
    expect(kafka.written).toEqual(['a', 'b', 'c', 'd']);
  });

  it('halves what is too large together', async () => {
    const values = Array.from({ length: 64 }, (_, index) => `value-${index}`.padEnd(10));

    const outcomes = await publisher.send(values.map((value) => event(value)));

    expect(new Set(statuses(outcomes))).toEqual(new Set(['sent']));
    expect(kafka.written).toEqual(values);
    expect(kafka.requests).toBeLessThan(24);
  });

  it('keeps its producer where it is certain that nothing was written', async () => {
    const large = 'x'.repeat(mostBytes + 1);
    await publisher.send([event(large)]);
    await publisher.send([event(large, 't', 'k'), event(large, 't', 'k')]);

    await publisher.send([event('a')]);

    expect(kafka.made).toBe(1);
  });

  it('replaces its producer where it is not known what was written, and says so', async () => {
    kafka.afterwards.push(new Error('connection lost'));

    await expect(publisher.send([event('a')])).rejects.toThrow(/EO_BROKER_UNAVAILABLE.*may or may not/);
    expect(statuses(await publisher.send([event('a')]))).toEqual(['sent']);

    expect(kafka.made).toBe(2);
    expect(kafka.written).toEqual(['a', 'a']);
  });

  it.each([
    ['missing', 'UNKNOWN_TOPIC_OR_PARTITION', 'create it'],
    ['forbidden', 'TOPIC_AUTHORIZATION_FAILED', 'allow'],
  ] as const)(
    'lets the events of a topic wait that is %s, and sends the others',
    async (set, type, remedy) => {
      kafka[set].add('gone');
      const events = [event('1', 'gone'), event('a'), event('2', 'gone'), event('b', 'other')];

      const outcomes = await publisher.send(events);

      expect(statuses(outcomes)).toEqual(['later', 'sent', 'later', 'sent']);
      expect(outcomes[0]).toHaveProperty(
        'reason',
        expect.stringMatching(`EO_BROKER_UNAVAILABLE.*"gone".*${type}`),
      );
      expect(outcomes[0]).toHaveProperty('reason', expect.stringContaining(remedy));
      expect(kafka.written).toEqual(['a', 'b']);
    },
  );

  it('asks for a missing topic seldom, does not delay others by it, and sends when it is there', async () => {
    kafka.missing.add('gone');
    await publisher.send([event('1', 'gone'), event('a')]);
    const asked = kafka.requests;

    const meanwhile = await publisher.send([event('1', 'gone'), event('b')]);
    expect(kafka.requests).toBe(asked + 1);
    expect(statuses(meanwhile)).toEqual(['later', 'sent']);

    kafka.missing.clear();
    await clock.advance(2_000);
    const afterwards = await publisher.send([event('1', 'gone'), event('2', 'gone')]);

    expect(statuses(afterwards)).toEqual(['sent', 'sent']);
    expect(kafka.written).toEqual(['a', 'b', '1', '2']);
  });

  it('is not kept from a topic by another that was deleted since', async () => {
    await publisher.send([event('1', 'gone'), event('a')]);
    kafka.missing.add('gone');

    const outcomes = await publisher.send([event('b')]);

    expect(statuses(outcomes)).toEqual(['sent']);
    expect(kafka.written).toEqual(['1', 'a', 'b']);
  });

  it('does not blame a topic that was missing for another that is missing since', async () => {
    kafka.missing.add('first');
    await publisher.send([event('1', 'first'), event('a', 'second')]);
    kafka.missing.clear();
    kafka.missing.add('second');
    await clock.advance(2_000);

    const outcomes = await publisher.send([event('1', 'first')]);

    expect(statuses(outcomes)).toEqual(['sent']);
  });

  it('sends nothing of a topic after an event of it that has to wait', async () => {
    const events = ['a', 'b', 'c', 'd'].map((name) => event(name.padEnd(30)));
    kafka.asked = (request) => {
      if (request === 2) kafka.missing.add('t'); // the first half
      if (request === 4) kafka.missing.clear();
    };

    const outcomes = await publisher.send(events);

    expect(statuses(outcomes)).toEqual(['later', 'later', 'later', 'later']);
    expect(kafka.written).toEqual([]);
  });
});
