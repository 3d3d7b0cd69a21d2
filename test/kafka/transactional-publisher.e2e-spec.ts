import { randomUUID } from 'node:crypto';
import type { Broker } from '@exactly-once/core';
import { kafkaBroker } from '@exactly-once/kafka';
import { describeTransactionalPublisher, InMemoryStorage } from '@exactly-once/testing';
import { afterAll, afterEach, beforeAll, beforeEach, describe, it } from '@jest/globals';
import { contextOf } from '../brokers/database-under-test.js';
import { findKafka, type KafkaCluster } from '../services/kafka.js';
import { idsOn } from './committed-reader.js';

let kafka: KafkaCluster;

beforeAll(async () => {
  kafka = await findKafka();
});
afterAll(() => kafka.stop());

/** As another process would have one. */
async function connected(): Promise<Broker> {
  const broker = await kafkaBroker({ client: { brokers: kafka.brokers } }).create();
  broker.bind(contextOf(new InMemoryStorage()));
  return broker;
}

describeTransactionalPublisher(
  'of Kafka',
  { describe, it: (title, body) => it(title, body, 120_000), beforeEach, afterEach },
  async () => {
    const brokers = await Promise.all(Array.from({ length: 4 }, connected));
    let next = 0;
    return {
      publisher: () => brokers[next++ % brokers.length]!.transactionalPublisher!(),
      createTopic: () => kafka.createTopic('transactional'),
      unusedName: () => randomUUID(),
      read: (topic) => idsOn(kafka, topic),
      close: async () => void (await Promise.all(brokers.map((broker) => broker.close()))),
    };
  },
  { makesTopics: false, largestBody: 1_000_000 },
);
