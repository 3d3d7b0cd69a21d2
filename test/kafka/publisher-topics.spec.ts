import type { SendOutcome } from '@exactly-once/core';
import { ManualClock } from '@exactly-once/testing';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { KafkaPublisher } from '../../libs/kafka/src/kafka-publisher.js';
import { KafkajsClient } from '../../libs/kafka/src/kafkajs/kafkajs-client.js';
import { connectionClosed, event, FakeProducers, protocolError, timedOut } from './fake-producers.js';

describe('KafkaPublisher, where one topic fails', () => {
  let kafka: FakeProducers;
  let clock: ManualClock;
  let publisher: KafkaPublisher;

  beforeEach(() => {
    kafka = new FakeProducers();
    clock = new ManualClock();
    const silent = () => {};
    const logger = { error: silent, warn: silent, info: silent, debug: silent };
    publisher = new KafkaPublisher({ client: new KafkajsClient({ kafka: kafka.client() }), clock, logger });
  });

  const statuses = (outcomes: SendOutcome[]) => outcomes.map(({ status }) => status);

  it.each([
    ['has too few replicas', protocolError('NOT_ENOUGH_REPLICAS'), 'NOT_ENOUGH_REPLICAS'],
    ['has no leader', protocolError('LEADER_NOT_AVAILABLE'), 'LEADER_NOT_AVAILABLE'],
    ['gets no answer from its leader', timedOut(), 'look at the broker that leads it'],
    ['has a leader that closes connections', connectionClosed(), 'look at the broker that leads it'],
  ])('sends the others, in order, while a topic %s', async (_, error, reason) => {
    kafka.failing.set('bad', error);
    const events = [event('1', 'bad'), event('a'), event('2', 'bad'), event('b', 'other'), event('c')];

    const outcomes = await publisher.send(events);

    expect(statuses(outcomes)).toEqual(['later', 'sent', 'later', 'sent', 'sent']);
    expect(outcomes[0]).toHaveProperty('reason', expect.stringContaining(reason));
    expect(outcomes[0]).toHaveProperty('reason', expect.stringContaining('"bad"'));
    // Together they may have been written: they are sent again, each topic in its order.
    expect(kafka.written).toEqual(['a', 'c', 'b', 'a', 'c', 'b']);
  });

  it('does not let the others wait for it again, and sends its events in order once it can', async () => {
    kafka.failing.set('bad', timedOut());
    await publisher.send([event('1', 'bad'), event('a')]);
    const asked = kafka.requests;

    const meanwhile = await publisher.send([event('1', 'bad'), event('b')]);
    await clock.advance(2_000);
    const still = await publisher.send([event('1', 'bad'), event('c')]);
    kafka.failing.clear();
    await clock.advance(2_000);
    const mended = await publisher.send([event('1', 'bad'), event('2', 'bad')]);

    expect([meanwhile, still, mended].map(statuses)).toEqual([
      ['later', 'sent'],
      ['later', 'sent'],
      ['sent', 'sent'],
    ]);
    expect(kafka.written.slice(2)).toEqual(['b', 'c', '1', '2']);
    expect(kafka.requests).toBe(asked + 1 + 2 + 1);
  });

  it('asks more seldom for what takes long to answer', async () => {
    kafka.failing.set('bad', timedOut());
    kafka.asked = () => clock.advance(5_000);
    await publisher.send([event('1', 'bad'), event('a')]);
    const asked = kafka.requests;

    await publisher.send([event('1', 'bad')]); // the other one has taken 5 s as well
    await clock.advance(14_999);
    await publisher.send([event('1', 'bad')]);
    const meanwhile = kafka.requests - asked;
    await clock.advance(1);
    await publisher.send([event('1', 'bad')]);

    expect(meanwhile).toBe(0);
    expect(kafka.requests - asked).toBe(1);
  });

  it('replaces its producer before each topic is tried by itself', async () => {
    kafka.failing.set('bad', timedOut());

    await publisher.send([event('1', 'bad'), event('a')]);

    expect(kafka.made).toBe(3); // together; the one that failed; the other
  });

  it('says of the broker that it is unavailable where each topic fails, and lets them wait from then on', async () => {
    kafka.failing.set('t', timedOut()).set('other', timedOut());
    const events = [event('a'), event('b', 'other')];

    await expect(publisher.send(events)).rejects.toThrow(/EO_BROKER_UNAVAILABLE.*may or may not/);
    kafka.failing.delete('other');

    expect(statuses(await publisher.send(events))).toEqual(['later', 'sent']);
  });

  it('lets a topic wait that fails again alone, so that others are asked for', async () => {
    kafka.failing.set('t', timedOut());
    await expect(publisher.send([event('a')])).rejects.toThrow('EO_BROKER_UNAVAILABLE');

    const again = await publisher.send([event('a')]);

    expect(statuses(again)).toEqual(['later']);
  });

  it('tries no topic by itself while the broker does not answer', async () => {
    kafka.failing.set('t', timedOut());
    kafka.answersPings = false;

    await expect(publisher.send([event('a'), event('b', 'other')])).rejects.toThrow('EO_BROKER_UNAVAILABLE');

    expect(kafka.requests).toBe(1);
  });
});
