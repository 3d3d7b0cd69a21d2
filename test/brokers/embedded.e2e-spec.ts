import { describeBroker } from '@exactly-once/testing';
import { afterAll, afterEach, beforeAll, beforeEach, describe, it } from '@jest/globals';
import { EmbeddedWorld } from '../typeorm/embedded/embedded-world.js';
import { databaseUnderTest } from './database-under-test.js';

let world: EmbeddedWorld;

beforeAll(async () => {
  world = await EmbeddedWorld.open('broker');
  await world.dataSource(); // open all the time: a first start takes seconds
});

afterAll(() => world.close());

describeBroker('of the database, on an embedded PostgreSQL', { describe, it, beforeEach, afterEach }, () =>
  databaseUnderTest({
    storage: async () => world.storage(await world.dataSource()),
    close: () => world.empty(),
  }),
);
