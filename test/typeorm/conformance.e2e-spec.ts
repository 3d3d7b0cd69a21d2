import { describeStorage } from '@exactly-once/testing';
import { storageOn } from '@exactly-once/typeorm';
import { afterAll, afterEach, beforeAll, beforeEach, describe, it } from '@jest/globals';
import { DataSource } from 'typeorm';
import { findPostgres, type PostgresServer } from '../services/postgres.js';

let postgres: PostgresServer;

beforeAll(async () => {
  postgres = await findPostgres();
});

afterAll(async () => {
  await postgres.stop();
});

describeStorage('on PostgreSQL through TypeORM', { describe, it, beforeEach, afterEach }, async () => {
  const database = await postgres.createDatabase('conformance');
  const source = new DataSource({ type: 'postgres', url: database.url, poolSize: 10 });
  await source.initialize();
  const storage = storageOn(source, { migrate: true });
  await storage.open();
  return {
    storage,
    close: async () => {
      await storage.close();
      await source.destroy();
      await database.drop();
    },
  };
});
