/**
 * DBOS with its KafkaJS receiver: a workflow for each event, whose one transaction inserts the effect. As its
 * documentation has it for speed: events unordered, enqueued 1,000 at a time, on a queue of its own that is asked every
 * 100 ms; a larger pool for its own tables. The setting is how many workflows run at once, or empty for no limit.
 */
import { DBOS } from '@dbos-inc/dbos-sdk';
import { KafkaReceiver } from '@dbos-inc/kafkajs-receive';
import kafkajs, { type ConsumerConfig, type KafkaMessage } from 'kafkajs';
import { maxWaitTimeInMs, startClock } from '../../../dist-test/test/bench/contestants/bench-kafka.js';
import { readOrder, request } from '../../../dist-test/test/bench/contestants/order-payload.js';
import { PgSource } from './dbos-source.js';

const { databaseUrl, brokers, topic, group, setting } = request();
const queueName = 'orders';

// The receiver makes its consumer itself, and does not hand it out.
const makeConsumer = kafkajs.Kafka.prototype.consumer;
kafkajs.Kafka.prototype.consumer = function (config: ConsumerConfig) {
  const consumer = makeConsumer.call(this, config);
  startClock(consumer as never);
  return consumer;
};

const orders = new PgSource(databaseUrl, 10);
DBOS.setConfig({
  name: 'bench',
  systemDatabaseUrl: databaseUrl,
  systemDatabasePoolSize: 20,
  logLevel: 'error',
});
// Before the receiver, and so before the first record: the queue is there and asked, as a workflow on it has shown.
const nothing = DBOS.registerWorkflow(async () => undefined, { name: 'nothing' });
DBOS.registerLifecycleCallback({
  initialize: async () => {
    const limit = setting === '' ? {} : { workerConcurrency: Number(setting) };
    await DBOS.registerQueue(queueName, { minPollingIntervalMs: 100, ...limit });
    const handle = await DBOS.startWorkflow(nothing, { queueName })();
    await handle.getResult();
  },
});
const receiver = new KafkaReceiver({
  clientId: 'bench',
  brokers: [...brokers],
  logLevel: kafkajs.logLevel.ERROR,
});

const insert = orders.register('insert', async (orderId: string, cents: number) => {
  await orders.client.query('INSERT INTO effect (order_id, cents) VALUES ($1, $2)', [orderId, cents]);
});
const place = DBOS.registerWorkflow(
  async (_topic: string, _partition: number, message: KafkaMessage) => {
    const { orderId, cents } = await readOrder(message.value);
    await insert(orderId, cents);
  },
  { name: 'place' },
);
receiver.registerConsumer(place, topic, {
  config: { groupId: group, maxWaitTimeInMs },
  batchSize: 1_000,
  queueName,
});

process.once('SIGTERM', async () => {
  await DBOS.shutdown();
  process.exit(0);
});
await DBOS.launch();
