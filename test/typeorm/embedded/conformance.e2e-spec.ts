import { describeStorage } from '@exactly-once/testing';
import { afterAll, afterEach, beforeAll, beforeEach, describe, it } from '@jest/globals';
import type { DataSource } from 'typeorm';
import { EmbeddedWorld } from './embedded-world.js';

let world: EmbeddedWorld;
let source: DataSource;

beforeAll(async () => {
  world = await EmbeddedWorld.open('conformance');
  source = await world.dataSource();
});

afterAll(() => world.close());

describeStorage(
  'on an embedded PostgreSQL through TypeORM',
  { describe, it, beforeEach, afterEach },
  async () => ({ storage: await world.storage(source), close: () => world.empty() }),
  { concurrentTransactions: false },
);
