/**
 * Kafka, through kafkajs.
 *
 * ```ts
 * ExactlyOnceModule.forRoot({ …, broker: kafkaBroker({ client: { brokers: ['localhost:9092'] } }) })
 * ```
 */
export { type KafkaBrokerOptions, kafkaBroker, type QueueOptions } from './kafka-broker.js';
