import { randomUUID } from 'node:crypto';
import { type EventEnvelope, systemClock } from '@exactly-once/core';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { KafkaPublisher } from '../../libs/kafka/src/kafka-publisher.js';
import { findKafka, type KafkaCluster } from '../services/kafka.js';
import { until } from '../services/ports.js';

describe('the Kafka publisher', () => {
  let kafka: KafkaCluster;
  let topic: string;
  let publisher: KafkaPublisher;

  beforeEach(async () => {
    kafka = await findKafka();
    topic = await kafka.createTopic('publisher', { partitions: 2 });
    const none = () => {};
    const logger = { error: none, warn: none, info: none, debug: none };
    publisher = new KafkaPublisher({ kafka: kafka.client, config: {}, clock: systemClock, logger });
  });

  afterEach(async () => {
    await publisher.stop();
    await kafka.stop();
  });

  const event = (key: string, body: string | Buffer, to = topic): EventEnvelope => ({
    ...{ id: randomUUID(), source: 's', type: 'x', version: 1, topic: to, key, timeMs: 0 },
    ...{
      contentType: 'text/plain',
      headers: {},
      traceparent: null,
      tracestate: null,
      body: Buffer.from(body),
    },
  });

  async function values(): Promise<(string | null)[]> {
    const records = await kafka.dump(topic, { isolation: 'read_uncommitted' });
    return records.map(({ value }) => value);
  }

  it('refuses an event that is larger than the broker takes, and writes each of its neighbours once', async () => {
    const events = ['a', 'b', 'large', 'c', 'd'].map((name) =>
      event('k', name === 'large' ? Buffer.alloc(2_000_000) : name),
    );

    const outcomes = await publisher.send(events);

    expect(outcomes.map(({ status }) => status)).toEqual(['sent', 'sent', 'refused', 'sent', 'sent']);
    expect(await values()).toEqual(['a', 'b', 'c', 'd']);
  });

  it('lets events wait for a missing topic, sends the others, and sends those when it is there', async () => {
    const missing = `missing-${randomUUID().slice(0, 8)}`;
    const waiting = event('k', 'waits', missing);

    const outcomes = await publisher.send([waiting, event('k', 'a')]);
    expect(outcomes.map(({ status }) => status)).toEqual(['later', 'sent']);
    expect(await values()).toEqual(['a']);

    await kafka.createNamedTopic(missing, 1);
    await until('it is sent', async () => (await publisher.send([waiting]))[0]?.status === 'sent');
  });
});
