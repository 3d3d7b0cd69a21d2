import { randomUUID } from 'node:crypto';
import { describeBroker, InMemoryBroker, InMemoryStorage } from '@exactly-once/testing';
import { afterEach, beforeEach, describe, it } from '@jest/globals';
import { databaseUnderTest } from './database-under-test.js';

const framework = { describe, it, beforeEach, afterEach };

describeBroker('of the database, in memory', framework, async () => {
  const storage = new InMemoryStorage();
  return databaseUnderTest({ storage: async () => storage, close: async () => undefined });
});

describeBroker(
  'in memory',
  framework,
  async () => {
    const [storage, broker] = [new InMemoryStorage(), new InMemoryBroker()];
    const unusedName = () => `suite-${randomUUID().slice(0, 8)}`;
    return {
      unusedName,
      createTopic: async () => unusedName(),
      process: async () => ({ broker, storage }),
      put: async (topic, { key, headers, body }) => broker.append(topic, { key, headers, body }),
      close: async () => undefined,
    };
  },
  { sharesPartitions: false },
);
