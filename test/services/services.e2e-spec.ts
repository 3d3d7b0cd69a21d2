import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { findKafka, type KafkaCluster } from './kafka.js';
import { KafkaBroker } from './kafka-broker.js';
import { findPostgres, type PostgresServer } from './postgres.js';
import { PostgresCluster } from './postgres-cluster.js';

describe('services for tests', () => {
  let postgres: PostgresServer;
  let kafka: KafkaCluster;

  beforeAll(async () => {
    postgres = await findPostgres();
    kafka = await findKafka();
  });

  afterAll(async () => {
    await kafka.stop();
    await postgres.stop();
  });

  it('makes a database and drops it', async () => {
    const database = await postgres.createDatabase();

    const [row] = await database.query('SELECT current_database() AS name');
    await database.drop();
    const other = await postgres.createDatabase();
    const left = await other.query('SELECT 1 FROM pg_database WHERE datname = $1', [database.name]);
    await other.drop();

    expect(row.name).toBe(database.name);
    expect(left).toEqual([]);
  });

  it('reads a topic with an independent client', async () => {
    const topic = await kafka.createTopic('services', { partitions: 1 });
    const producer = kafka.client.producer();
    await producer.connect();
    await producer.send({
      topic,
      messages: [
        { key: 'k', value: 'a:b', headers: { ce_id: 'x:1', other: 'ü' } },
        { key: null, value: null },
      ],
    });
    await producer.disconnect();

    const records = await kafka.dump(topic, { isolation: 'read_committed' });

    expect(records.map(({ key, value, offset }) => ({ key, value, offset }))).toEqual([
      { key: 'k', value: 'a:b', offset: 0n },
      { key: null, value: null, offset: 1n },
    ]);
    expect({ ...records[0]!.headers }).toEqual({ ce_id: 'x:1', other: 'ü' });
  });

  it('kills a broker and starts it again with its data', async () => {
    const broker = await KafkaBroker.start();
    try {
      const { Kafka, logLevel } = await import('kafkajs');
      const client = new Kafka({ brokers: [broker.address], logLevel: logLevel.NOTHING });
      const admin = client.admin();
      await admin.connect();
      await admin.createTopics({ topics: [{ topic: 'kept', numPartitions: 1 }], waitForLeaders: true });
      await admin.disconnect();

      await broker.kill();
      await broker.start();

      const again = client.admin();
      await again.connect();
      const topics = await again.listTopics();
      await again.disconnect();
      expect(topics).toContain('kept');
    } finally {
      await broker.stop();
    }
  });

  it('starts a cluster of its own with its settings', async () => {
    const cluster = await PostgresCluster.start({ wal_level: 'logical' });
    try {
      const { default: pg } = await import('pg');
      const client = new pg.Client({ connectionString: cluster.url });
      await client.connect();
      const { rows } = await client.query('SHOW wal_level');
      await client.end();

      expect(rows).toEqual([{ wal_level: 'logical' }]);
    } finally {
      await cluster.remove();
    }
  });
});
