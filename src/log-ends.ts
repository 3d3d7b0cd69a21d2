/**
 * Where the logs of Kafka's topics end, for the lag of whoever reads them.
 *
 * Asks only, and makes no topic.
 */
import type { KafkaBrokerOptions } from '@exactly-once/kafka';
import { Kafka, logLevel } from 'kafkajs';

/** By `topic/partition`. A topic that is not there has none. Rejects where no broker answers. */
export async function logEnds(
  client: KafkaBrokerOptions['client'],
  topics: readonly string[],
): Promise<ReadonlyMap<string, bigint>> {
  const kafka = new Kafka({ ...client, logLevel: logLevel.NOTHING, retry: { retries: 2 } } as never);
  const admin = kafka.admin();
  const ends = new Map<string, bigint>();
  await admin.connect();
  try {
    const present = new Set(await admin.listTopics());
    for (const topic of topics.filter((one) => present.has(one))) {
      for (const { partition, high } of await admin.fetchTopicOffsets(topic)) {
        ends.set(`${topic}/${partition}`, BigInt(high));
      }
    }
  } finally {
    await admin.disconnect();
  }
  return ends;
}
