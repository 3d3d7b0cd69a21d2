import { describeBroker } from '@exactly-once/testing';
import { afterAll, afterEach, beforeAll, beforeEach, describe, it } from '@jest/globals';
import { StorageWorld } from '../typeorm/storage-world.js';
import { databaseUnderTest } from './database-under-test.js';

let world: StorageWorld;

beforeAll(async () => {
  world = await StorageWorld.open('broker');
});

afterAll(() => world.close());

describeBroker('of the database, on PostgreSQL', { describe, it, beforeEach, afterEach }, () =>
  databaseUnderTest({
    storage: async () => world.storage(await world.dataSource({ poolSize: 4 })),
    close: () => world.endAll(),
  }),
);
