import type { SendOutcome } from '@exactly-once/core';
import { ManualClock } from '@exactly-once/testing';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { KafkaPublisher } from '../../libs/kafka/src/kafka-publisher.js';
import { KafkajsClient } from '../../libs/kafka/src/kafkajs/kafkajs-client.js';
import { event, FakeProducers, mostBytes } from './fake-producers.js';

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
    publisher = new KafkaPublisher({ client: new KafkajsClient({ kafka: kafka.client() }), clock, logger });
  });

  const statuses = (outcomes: SendOutcome[]) => outcomes.map(({ status }) => status);

  it('refuses the one event that is too large, sends its neighbours, and keeps their order', async () => {
    const large = 'x'.repeat(mostBytes + 1);

    const outcomes = await publisher.send([event('a'), event('b'), event(large), event('c'), event('d')]);

    expect(statuses(outcomes)).toEqual(['sent', 'sent', 'refused', 'sent', 'sent']);
    expect(outcomes[2]).toEqual({ status: 'refused', reason: 'MESSAGE_TOO_LARGE' });
    expect(kafka.written).toEqual(['a', 'b', 'c', 'd']);
  });

  it('sends nothing more of the topic and key of what was refused', async () => {
    const large = 'x'.repeat(mostBytes + 1);
    const events = [
      ...[event('a', 't', 'k'), event(large, 't', 'k'), event('b', 't', 'j'), event('c', 't', 'k')],
      ...[event('d', 'u', 'k'), event('e', 't', null)],
    ];

    const outcomes = await publisher.send(events);
    const later = await publisher.send([event('f', 't', 'k')]);

    expect(statuses(outcomes)).toEqual(['sent', 'refused', 'sent', 'behind', 'sent', 'sent']);
    expect(statuses(later)).toEqual(['sent']); // who holds it back until somebody decides, is the relay
    expect(kafka.written).not.toContain('c');
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
