/**
 * kafkajs behind its port, for the suite of Kafka clients. That it compiles shows that the port and the shape which the
 * test kit writes down agree.
 */
import { randomUUID } from 'node:crypto';
import type { KafkaClientShape, KafkaClientUnderTest } from '@exactly-once/testing';
import { Kafka, logLevel } from 'kafkajs';
import type { KafkaClient } from '../../libs/kafka/src/kafka-client.js';
import { KafkajsClient } from '../../libs/kafka/src/kafkajs/kafkajs-client.js';
import type { KafkaCluster } from '../services/kafka.js';

const consumer = { sessionTimeout: 10_000, heartbeatInterval: 200, maxWaitTimeInMs: 50 };

/** What is left of the port must be in the shape: whoever adds to the one adds to the other. */
type Ported = Pick<KafkaClient, keyof KafkaClientShape>;
const inBothDirections = (shape: KafkaClientShape): Ported & Omit<KafkaClient, 'times'> => shape;

export async function kafkajsUnderTest(
  cluster: KafkaCluster,
  sabotaged: (client: KafkaClientShape) => KafkaClientShape = inBothDirections,
): Promise<KafkaClientUnderTest> {
  return {
    client: () => {
      const kafka = new Kafka({ clientId: 'suite', brokers: cluster.brokers, logLevel: logLevel.NOTHING });
      return sabotaged(new KafkajsClient({ kafka, consumer }));
    },
    createTopic: (partitions) => cluster.createTopic('client', { partitions }),
    recreateTopic: (topic) => cluster.recreateTopic(topic),
    unusedName: () => `client-${randomUUID().slice(0, 8)}`,
    close: async () => undefined, // topics go with the cluster: tests run beside each other
  };
}
