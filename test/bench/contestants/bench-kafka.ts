/**
 * The Kafka client of every contestant. It starts the clock when kafkajs has the first fetched records ready, in the
 * same way for all of them: before anything was parsed, checked or admitted.
 */
import kafkajs, { type Consumer, type ConsumerConfig } from 'kafkajs';

const { Kafka, logLevel } = kafkajs;

/** Ours by default; by kafkajs's own, 5,000, a consumer takes that long to end. */
export const maxWaitTimeInMs = 200;

export class BenchKafka extends Kafka {
  /** `quiet`: in transactions each answer that is "not yet" is an error to kafkajs. */
  constructor(brokers: readonly string[], { quiet = false } = {}) {
    super({
      clientId: 'bench',
      brokers: [...brokers],
      logLevel: quiet ? logLevel.NOTHING : logLevel.ERROR,
    });
  }

  override consumer(config: ConsumerConfig): Consumer {
    const consumer = super.consumer({ maxWaitTimeInMs, ...config });
    startClock(consumer);
    return consumer;
  }
}

/** Tells the run when the consumer has its first records. */
export function startClock(consumer: Consumer): void {
  const stop = consumer.on(consumer.events.START_BATCH_PROCESS, ({ payload, timestamp }) => {
    if (payload.batchSize === 0) return;
    stop();
    process.send?.(timestamp);
  });
}
