/**
 * Produces messages to Kafka with kafkajs, each attempt recorded before it and completed after it.
 */
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import kafkajs, { type Message as KafkaMessage } from 'kafkajs';
import { LineFile } from '../record/line-file.js';
import type { Message } from '../record/message.js';
import { ProduceRecord } from '../record/produce-record.js';
import type { WorkerPlan } from './worker-plan.js';

export function plannedMessages(plan: WorkerPlan): Message[] {
  return plan.messages === null ? [] : new LineFile<Message>(plan.messages).read();
}

export function ownRecord(plan: WorkerPlan): ProduceRecord {
  return new ProduceRecord(join(plan.folder, `record-${plan.name}.jsonl`));
}

export async function produceAll(plan: WorkerPlan): Promise<void> {
  const kafka = new kafkajs.Kafka({
    clientId: `${plan.name}-${randomUUID()}`,
    brokers: [...plan.brokers],
    retry: { retries: 30, maxRetryTime: 1_000 }, // longer than a broker needs to come back
    logLevel: kafkajs.logLevel.NOTHING,
  });
  const producer = kafka.producer({
    idempotent: true,
    maxInFlightRequests: 1,
    createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
  });
  const record = ownRecord(plan);
  const messages = plannedMessages(plan);
  await producer.connect();
  try {
    for (let from = 0; from < messages.length; from += plan.sendAtOnce) {
      const some = messages.slice(from, from + plan.sendAtOnce);
      const finish = some.map(({ attempt }) => record.begin(attempt));
      const topicMessages = [...new Set(some.map(({ topic }) => topic))].map((topic) => ({
        topic,
        messages: some.filter((one) => one.topic === topic).map(kafkaMessage),
      }));
      await producer.sendBatch({ topicMessages, acks: -1 });
      for (const one of finish) one('ok');
      if (plan.paceMs > 0) await new Promise((resolve) => setTimeout(resolve, plan.paceMs));
    }
  } finally {
    await producer.disconnect();
  }
}

function kafkaMessage({ partition, key, headers, body, tombstone }: Message): KafkaMessage {
  return {
    ...(partition === null ? {} : { partition }),
    key,
    value: tombstone ? null : body,
    headers: Object.fromEntries(
      Object.entries(headers).map(([name, value]) => [name, Buffer.from(value, 'hex')]),
    ),
  };
}
