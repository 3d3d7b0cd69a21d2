import net from 'node:net';
import tls from 'node:tls';
import { kafkaBroker } from '@exactly-once/kafka';
import { type BrokerProcess, describeBroker, InMemoryStorage } from '@exactly-once/testing';
import { afterAll, afterEach, beforeAll, beforeEach, describe, it } from '@jest/globals';
import type { ISocketFactory, Producer } from 'kafkajs';
import { shortestSessionTimeoutMs } from '../faults/harness/session-timeout.js';
import { findKafka, type KafkaCluster } from '../services/kafka.js';
import { contextOf } from './database-under-test.js';

let kafka: KafkaCluster;
let sessionTimeoutMs: number;
let producer: Producer;

beforeAll(async () => {
  kafka = await findKafka();
  sessionTimeoutMs = await shortestSessionTimeoutMs(kafka);
  producer = kafka.client.producer();
  await producer.connect();
});

afterAll(async () => {
  await producer.disconnect();
  await kafka.stop();
});

/** Connections that can be cut, and are then refused. */
class Network {
  readonly #sockets = new Set<net.Socket>();
  #isCut = false;

  readonly connect: ISocketFactory = ({ host, port, ssl, onConnect }) => {
    const socket = ssl
      ? tls.connect({ host, port, ...ssl }, onConnect)
      : net.connect({ host, port }, onConnect);
    if (this.#isCut) socket.destroy(new Error('this process is cut off'));
    this.#sockets.add(socket);
    return socket.once('close', () => this.#sockets.delete(socket));
  };

  cut(): void {
    this.#isCut = true;
    for (const socket of this.#sockets) socket.destroy(new Error('this process is cut off'));
  }

  mend(): void {
    this.#isCut = false;
  }
}

async function process(storage: InMemoryStorage): Promise<BrokerProcess> {
  const network = new Network();
  const description = kafkaBroker({
    client: {
      brokers: kafka.brokers,
      socketFactory: network.connect,
      retry: { retries: 1, initialRetryTime: 50 },
    },
    consumer: { sessionTimeout: sessionTimeoutMs, heartbeatInterval: 200, maxWaitTimeInMs: 50 },
  });
  const broker = await description.create();
  broker.bind(contextOf(storage));
  return { broker, storage, cut: () => network.cut(), mend: () => network.mend() };
}

describeBroker(
  'Kafka',
  { describe, it, beforeEach, afterEach },
  async () => {
    const storage = new InMemoryStorage();
    return {
      unusedName: () => kafka.group('suite'),
      createTopic: (partitions) => kafka.createTopic('suite', { partitions }),
      process: () => process(storage),
      put: async (topic, { key, headers, body }) => {
        const bytes = Object.fromEntries(
          Object.entries(headers).map(([name, value]) => [name, Buffer.from(value)]),
        );
        const message = { key: key && Buffer.from(key), value: body && Buffer.from(body), headers: bytes };
        await producer.send({ topic, messages: [message] });
      },
      close: () => kafka.cleanUp(),
    };
  },
  { makesTopics: false, largestBody: 1_000_000 },
);
