import { randomUUID } from 'node:crypto';
import { type EventEnvelope, type SendOutcome, systemClock } from '@exactly-once/core';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { KafkaPublisher } from '../../libs/kafka/src/kafka-publisher.js';
import { KafkajsClient } from '../../libs/kafka/src/kafkajs/kafkajs-client.js';
import { findKafka, KafkaCluster } from '../services/kafka.js';
import { KafkaBroker } from '../services/kafka-broker.js';
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
    publisher = new KafkaPublisher({
      client: new KafkajsClient({ kafka: kafka.client }),
      clock: systemClock,
      logger,
    });
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
      name === 'large' ? event('other key', Buffer.alloc(2_000_000)) : event('k', name),
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

describe('the Kafka publisher, on a broker that takes small requests only', () => {
  let broker: KafkaBroker;
  let kafka: KafkaCluster;
  let publisher: KafkaPublisher;

  beforeEach(async () => {
    const settings = { 'socket.request.max.bytes': '300000', 'message.max.bytes': '2000000' };
    broker = await KafkaBroker.start({ settings });
    kafka = new KafkaCluster([broker.address], () => broker.stop());
  });

  afterEach(async () => {
    await publisher.stop();
    await kafka.stop();
  });

  function aPublisher(maxRequestBytes?: number): KafkaPublisher {
    const none = () => {};
    const logger = { error: none, warn: none, info: none, debug: none };
    const client = new KafkajsClient({ kafka: kafka.client, producer: { retry: { initialRetryTime: 10 } } });
    return new KafkaPublisher({ client, clock: systemClock, logger, maxRequestBytes });
  }

  const event = (topic: string, name: string, bytes: number): EventEnvelope => ({
    ...{
      id: name,
      source: 's',
      type: 'x',
      version: 1,
      topic,
      key: bytes < 300_000 ? 'k' : 'large',
      timeMs: 0,
    },
    ...{ contentType: 'text/plain', headers: {}, traceparent: null, tracestate: null },
    body: Buffer.from(name.padEnd(bytes, '.')),
  });

  async function names(topic: string): Promise<string[]> {
    const records = await kafka.dump(topic, { isolation: 'read_uncommitted' });
    return records.map(({ headers }) => headers['ce_id']!);
  }

  it('stays below the bound that it is told, and refuses what is above it', async () => {
    const topic = await kafka.createTopic('small', { partitions: 2 });
    publisher = aPublisher(300_000);
    const most = 300_000 - 1_700; // with what stands in a request beside the body
    const sizes = [most, 200_000, 100_000, 99_000, 300_000, 10];

    const outcomes = await publisher.send(sizes.map((bytes, index) => event(topic, `${index}`, bytes)));

    expect(outcomes.map(({ status }) => status)).toEqual(['sent', 'sent', 'sent', 'sent', 'refused', 'sent']);
    expect(await names(topic)).toEqual(['0', '1', '2', '3', '5']);
  });

  it('finds out what closes the connection where it is told nothing, and sends the others once, in order', async () => {
    const topic = await kafka.createTopic('small');
    publisher = aPublisher();
    const sizes = [1_000, 120_000, 120_000, 500_000, 120_000, 1_000];
    let waiting = sizes.map((bytes, index) => event(topic, `${index}`, bytes));
    const refused: string[] = [];

    await until('each is sent or refused', async () => {
      const outcomes = await publisher.send(waiting).catch((): SendOutcome[] => []);
      outcomes.forEach(
        ({ status }, index) => void (status === 'refused' && refused.push(waiting[index]!.id)),
      );
      waiting = waiting.filter((_, index) => !['sent', 'refused'].includes(outcomes[index]?.status ?? ''));
      return waiting.length === 0;
    });

    expect(refused).toEqual(['3']);
    expect(await names(topic)).toEqual(['0', '1', '2', '4', '5']);
  });
});
