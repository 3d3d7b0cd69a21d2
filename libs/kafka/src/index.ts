/**
 * Kafka, through kafkajs.
 *
 * ```ts
 * ExactlyOnceModule.forRoot({ …, broker: kafkaBroker({ client: { brokers: ['localhost:9092'] } }) })
 * ```
 */
export { kafkaBroker } from './kafka-broker.js';
export type { KafkaBrokerOptions, QueueOptions } from './kafka-options.js';
