import { describeKafkaClient } from '@exactly-once/testing';
import { afterAll, afterEach, beforeAll, beforeEach, describe, it } from '@jest/globals';
import { findKafka, type KafkaCluster } from '../services/kafka.js';
import { kafkajsUnderTest } from './kafkajs-under-test.js';

let kafka: KafkaCluster;

beforeAll(async () => {
  kafka = await findKafka();
});
afterAll(() => kafka.stop());

describeKafkaClient(
  'kafkajs',
  { describe, it: (title, body) => it(title, body, 120_000), beforeEach, afterEach },
  () => kafkajsUnderTest(kafka),
);
