import { type EventEnvelope, type SendOutcome, systemClock } from '@exactly-once/core';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { KafkajsClient } from '../../libs/kafka/src/kafkajs/kafkajs-client.js';
import { KafkaTransactionalPublisher } from '../../libs/kafka/src/relay-transactions/kafka-transactional-publisher.js';
import { KafkaCluster } from '../services/kafka.js';
import { KafkaBroker } from '../services/kafka-broker.js';
import { idsOn } from './committed-reader.js';
import { event } from './fake-producers.js';

describe('a shard at a Kafka that takes small requests only', () => {
  let kafka: KafkaCluster;
  let publisher: KafkaTransactionalPublisher;
  let token = 0n;

  beforeEach(async () => {
    const settings = { 'socket.request.max.bytes': '300000', 'message.max.bytes': '2000000' };
    const broker = await KafkaBroker.start({ settings });
    kafka = new KafkaCluster([broker.address], () => broker.stop());
    const none = () => {};
    publisher = new KafkaTransactionalPublisher({
      client: new KafkajsClient({ kafka: kafka.client, producer: { retry: { initialRetryTime: 10 } } }),
      clock: systemClock,
      logger: { error: none, warn: none, info: none, debug: none },
      ...{ prefix: kafka.group('small'), maxRequestBytes: 100_000_000 },
    });
  });

  afterEach(async () => {
    await publisher.stop();
    await kafka.stop();
  });

  const sized = (topic: string, name: string, bytes: number): EventEnvelope => ({
    ...event(name, topic, name),
    body: Buffer.from(name.padEnd(bytes, '.')),
  });

  async function publish(events: readonly EventEnvelope[]): Promise<SendOutcome[]> {
    for (let attempts = 1; ; attempts++) {
      try {
        const shard = await publisher.open({ outbox: 'o', shard: 0 }, []);
        return await shard.publish(events, { token: ++token, confirm: async () => {} });
      } catch (error) {
        if (attempts === 10) throw error;
      }
    }
  }

  it('finds out what closes the connection where it is told nothing, and commits the others once, in order', async () => {
    const topic = await kafka.createTopic('small');
    const sizes = [1_000, 120_000, 120_000, 500_000, 120_000, 1_000];

    const outcomes = await publish(sizes.map((bytes, index) => sized(topic, `${index}`, bytes)));

    expect(outcomes.map(({ status }) => status)).toEqual(['sent', 'sent', 'sent', 'refused', 'sent', 'sent']);
    expect(outcomes[3]).toMatchObject({ reason: expect.stringMatching(/CONNECTION_CLOSED.*3 times/) });
    expect(await idsOn(kafka, topic)).toEqual(['0', '1', '2', '4', '5']);
  }, 120_000);
});
