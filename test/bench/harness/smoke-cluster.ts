/**
 * The cluster as a smoke run sees it: what it cleans up is its own, and topics are read by kafkajs. Kafka's console
 * consumer, which shares nothing with what it checks, takes seconds to start; it is for figures that count.
 */

import type { KafkaMessage } from 'kafkajs';
import type { DumpOptions } from '../../services/console-consumer.js';
import { type DumpedRecord, KafkaCluster } from '../../services/kafka.js';

export class SmokeCluster extends KafkaCluster {
  constructor(brokers: string[]) {
    super(brokers, async () => undefined);
  }

  override async read(
    topic: string,
    options: DumpOptions,
    take: (record: DumpedRecord) => void,
  ): Promise<void> {
    const ends = await this.ends(topic);
    const waiting = new Set([...ends].filter(([, end]) => end > 0n).map(([partition]) => partition));
    if (waiting.size === 0) return;
    const consumer = this.client.consumer({
      groupId: this.group('dump'),
      maxWaitTimeInMs: 100,
      readUncommitted: options.isolation === 'read_uncommitted',
    });
    await consumer.connect();
    try {
      await consumer.subscribe({ topic, fromBeginning: true });
      await new Promise<void>((resolve, reject) => {
        consumer.on(consumer.events.CRASH, ({ payload }) => reject(payload.error));
        // A marker of a transaction is an offset without a record, so the batch's end counts, not its last record.
        consumer.on(consumer.events.END_BATCH_PROCESS, ({ payload }) => {
          if (BigInt(payload.lastOffset) + 1n >= ends.get(payload.partition)!)
            waiting.delete(payload.partition);
          if (waiting.size === 0) resolve();
        });
        const eachMessage: NonNullable<Parameters<typeof consumer.run>[0]>['eachMessage'] = async (one) =>
          take(dumped(one.partition, one.message));
        consumer.run({ eachMessage }).catch(reject);
      });
    } finally {
      await consumer.disconnect();
    }
  }
}

function dumped(partition: number, { offset, key, value, headers = {} }: KafkaMessage): DumpedRecord {
  return {
    partition,
    offset: BigInt(offset),
    key: key?.toString() ?? null,
    headers: Object.fromEntries(Object.entries(headers).map(([name, text]) => [name, String(text)])),
    value: value?.toString() ?? null,
  };
}
