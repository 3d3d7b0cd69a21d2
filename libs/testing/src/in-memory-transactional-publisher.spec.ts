import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, it } from '@jest/globals';
import { InMemoryBroker } from './in-memory-broker.js';
import { describeTransactionalPublisher } from './transactional-conformance.js';

describeTransactionalPublisher('in memory', { describe, it, beforeEach, afterEach }, async () => {
  const broker = new InMemoryBroker();
  return {
    publisher: () => broker.transactionalPublisher(),
    createTopic: async () => randomUUID(),
    unusedName: () => randomUUID(),
    read: async (topic) =>
      broker.topic(topic).map(({ headers }) => Buffer.from(headers['ce_id']!).toString()),
    close: async () => {},
  };
});
