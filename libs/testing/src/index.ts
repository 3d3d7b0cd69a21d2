/**
 * In-memory ports, a clock to hold, and the suites that every adapter must pass.
 *
 * ```ts
 * const storage = new InMemoryStorage();
 * const broker = new InMemoryBroker();
 * const engine = new Engine({ service: 'test', storage, broker, handlers, types, unhandled: 'skip' });
 * ```
 */
export { DeliveryFailed, type DeliveryFate } from './application/delivery-failed.js';
export {
  type TestApplication,
  type TestDeadLetter,
  testExactlyOnce,
} from './application/test-application.js';
export type { DeliveryOptions, PublishedEvent } from './application/test-event.js';
export type { TestedEngineOptions, TestOptions } from './application/test-options.js';
export type {
  BrokerFeatures,
  BrokerProcess,
  BrokerUnderTest,
  RawMessage,
} from './broker-conformance/broker-under-test.js';
export { type BrokerTestFramework, describeBroker } from './broker-conformance/describe-broker.js';
export { checkExactlyOnce } from './check/check-exactly-once.js';
export type { CheckOptions } from './check/check-options.js';
export { type CheckReport, type Finding, type FindingKind, NotExactlyOnce } from './check/finding.js';
export { InMemoryBroker, type InMemoryMessage } from './in-memory-broker.js';
export { InMemoryStorage, type InMemoryTable } from './in-memory-storage.js';
export { InMemoryTransaction } from './in-memory-transaction.js';
export { describeKafkaClient } from './kafka-client-conformance/describe-kafka-client.js';
export type { KafkaClientUnderTest } from './kafka-client-conformance/kafka-client-ground.js';
export type { KafkaClientShape } from './kafka-client-conformance/kafka-client-shape.js';
export { ManualClock } from './manual-clock.js';
export {
  describeStorage,
  type StorageFeatures,
  type StorageUnderTest,
  type TestFramework,
} from './storage-conformance.js';
export {
  describeTransactionalPublisher,
  type TransactionalPublisherFeatures,
  type TransactionalPublisherUnderTest,
} from './transactional-conformance.js';
export { detectEscapes } from './watching/detect-escapes.js';
