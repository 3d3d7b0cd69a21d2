/**
 * What stands on a topic at a moment, read by a consumer of its own at an isolation level: up to a mark that it puts at
 * the end of each partition.
 */
import { randomUUID } from 'node:crypto';
import type { KafkaMessage } from 'kafkajs';
import type { KafkaCluster } from '../services/kafka.js';

export type Isolation = 'read_committed' | 'read_uncommitted';

/** By partition and offset. Waits for transactions that are open. */
async function readTopic(
  kafka: KafkaCluster,
  topic: string,
  isolation: Isolation = 'read_committed',
): Promise<KafkaMessage[]> {
  const mark = `mark-${randomUUID()}`;
  const partitions = await markEnd(kafka, topic, mark);
  const [consumer, records] = [reader(kafka, isolation), new Map<number, KafkaMessage[]>()];
  try {
    await consumer.connect();
    await consumer.subscribe({ topic, fromBeginning: true });
    await new Promise<void>((resolve, reject) => {
      consumer.on(consumer.events.CRASH, ({ payload }) => reject(payload.error));
      let marked = 0;
      const eachMessage = async ({ partition, message }: { partition: number; message: KafkaMessage }) => {
        if (String(message.key) === mark && ++marked === partitions) resolve();
        if (!String(message.key).startsWith('mark-')) records.get(partition)!.push(message);
      };
      for (let partition = 0; partition < partitions; partition++) records.set(partition, []);
      consumer.run({ eachMessage }).catch(reject);
    });
  } finally {
    await consumer.disconnect();
  }
  return [...records.values()].flat();
}

/** Ids of the events there. */
export async function idsOn(kafka: KafkaCluster, topic: string, isolation?: Isolation): Promise<string[]> {
  return (await readTopic(kafka, topic, isolation)).map(({ headers }) => String(headers?.['ce_id']));
}

function reader({ client }: KafkaCluster, isolation: Isolation) {
  return client.consumer({
    groupId: `reader-${randomUUID()}`,
    readUncommitted: isolation === 'read_uncommitted',
    maxWaitTimeInMs: 50,
  });
}

async function markEnd(kafka: KafkaCluster, topic: string, mark: string): Promise<number> {
  const partitions = [...(await kafka.ends(topic)).keys()];
  const producer = kafka.client.producer();
  await producer.connect();
  await producer.send({
    topic,
    messages: partitions.map((partition) => ({ partition, key: mark, value: '' })),
  });
  await producer.disconnect();
  return partitions.length;
}
