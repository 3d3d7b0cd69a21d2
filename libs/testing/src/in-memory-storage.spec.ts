import { afterEach, beforeEach, describe, it } from '@jest/globals';
import { InMemoryStorage } from './in-memory-storage.js';
import { describeStorage } from './storage-conformance.js';

describeStorage('in memory', { describe, it, beforeEach, afterEach }, async () => ({
  storage: new InMemoryStorage(),
  close: async () => {},
}));
