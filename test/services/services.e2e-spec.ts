import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { KafkaCluster } from './kafka.js';
import { KafkaBroker } from './kafka-broker.js';
import { until } from './ports.js';
import { PostgresCluster } from './postgres-cluster.js';
import { findServices, type Services, withServices } from './services.js';

const run = promisify(execFile);

async function produce(kafka: KafkaCluster, topic: string, messages: Message[]): Promise<void> {
  const producer = kafka.client.producer();
  await producer.connect();
  await producer.send({ topic, messages });
  await producer.disconnect();
}

interface Message {
  readonly key: string | null;
  readonly value: string | null;
  readonly headers?: Record<string, string>;
}

async function ask(url: string, sql: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

/** Whether a process has this in its command line. */
function isRunning(pattern: string): Promise<boolean> {
  return run('pgrep', ['-f', pattern]).then(
    () => true,
    () => false,
  );
}

describe('services for tests', () => {
  let services: Services;

  beforeAll(async () => {
    services = await findServices();
  });

  afterAll(async () => {
    await services.stop();
  });

  it('makes a database and drops it, also under an open connection', async () => {
    const { postgres } = services;
    const database = await postgres.createDatabase();
    const open = new pg.Client({ connectionString: database.url });
    open.on('error', () => undefined); // cut by the drop
    await open.connect();

    const [row] = await database.query('SELECT current_database() AS name');
    await database.drop();
    const left = await ask(postgres.url(), `SELECT 1 FROM pg_database WHERE datname = '${database.name}'`);

    expect(row.name).toBe(database.name);
    expect(left).toEqual([]);
  });

  it('reads a topic with an independent client', async () => {
    const { kafka } = services;
    const topic = await kafka.createTopic('services', { partitions: 1 });
    await produce(kafka, topic, [
      { key: 'k', value: 'a:b', headers: { ce_id: 'x:1', other: 'ü' } },
      { key: null, value: null },
      { key: '', value: 'two\nlines' },
    ]);

    const records = await kafka.dump(topic, { isolation: 'read_committed' });

    expect(records.map(({ key, value, offset }) => ({ key, value, offset }))).toEqual([
      { key: 'k', value: 'a:b', offset: 0n },
      { key: null, value: null, offset: 1n },
      { key: '', value: 'two\nlines', offset: 2n },
    ]);
    expect({ ...records[0]!.headers }).toEqual({ ce_id: 'x:1', other: 'ü' });
  });

  it('leaves out what a transaction took back, where only committed records are asked for', async () => {
    const { kafka } = services;
    const topic = await kafka.createTopic('services', { partitions: 1 });
    const transactionalId = kafka.group('services');
    const producer = kafka.client.producer({ transactionalId, maxInFlightRequests: 1, idempotent: true });
    await producer.connect();
    const aborted = await producer.transaction();
    await aborted.send({ topic, messages: [{ value: 'aborted' }] });
    await aborted.abort();
    const committed = await producer.transaction();
    await committed.send({ topic, messages: [{ value: 'committed' }] });
    await committed.commit();
    await producer.disconnect();

    const [some, all] = await Promise.all([
      kafka.dump(topic, { isolation: 'read_committed' }),
      kafka.dump(topic, { isolation: 'read_uncommitted' }),
    ]);

    expect(some.map(({ value }) => value)).toEqual(['committed']);
    expect(all.map(({ value }) => value)).toEqual(['aborted', 'committed']);
  });

  it('waits for a broker that is silent for a while, and reads all the same', async () => {
    const broker = await KafkaBroker.start();
    try {
      const kafka = new KafkaCluster([broker.address], async () => undefined);
      const topic = await kafka.createTopic('services', { partitions: 1 });
      await produce(kafka, topic, [{ key: null, value: 'here' }]);

      const dumping = kafka.dump(topic, { isolation: 'read_committed' });
      await until('the console consumer runs', () => isRunning(`ConsoleConsumer.*${topic}`));
      broker.pause();
      setTimeout(() => broker.resume(), 7_000);
      const records = await dumping;

      expect(records.map(({ value }) => value)).toEqual(['here']);
    } finally {
      broker.resume();
      await broker.stop();
    }
  });

  it('makes a queue that delivers, and deletes it', async () => {
    const rabbitmq = await services.rabbitmq();
    const queue = await rabbitmq.createQueue('services');
    await rabbitmq.channel(async (channel) => channel.sendToQueue(queue, Buffer.from('hello')));

    const message = await rabbitmq.channel(async (channel) => {
      const delivered = await channel.get(queue, { noAck: true });
      return delivered === false ? null : delivered.content.toString();
    });
    await rabbitmq.deleteQueues();

    expect(message).toBe('hello');
    expect(await queueExists(services, queue)).toBe(false);
  });

  it('hands a program its services, and its result back', async () => {
    const name = await withServices(async ({ postgres }) => {
      const [row] = await ask(postgres.url(), 'SELECT current_database() AS name');
      return row;
    });

    expect(name).toEqual({ name: 'postgres' });
  });
});

async function queueExists(services: Services, queue: string): Promise<boolean> {
  const rabbitmq = await services.rabbitmq();
  return rabbitmq
    .channel(async (channel) => {
      channel.on('error', () => undefined); // the answer for an unknown queue closes the channel
      await channel.checkQueue(queue);
      return true;
    })
    .catch((error: { code?: number }) => {
      if (error.code === 404) return false;
      throw error;
    });
}

describe('servers of a test', () => {
  it('kills a broker, starts it again, and reads the record it had', async () => {
    const broker = await KafkaBroker.start();
    try {
      const kafka = new KafkaCluster([broker.address], async () => undefined);
      const topic = await kafka.createTopic('kept', { partitions: 1 });
      await produce(kafka, topic, [{ key: null, value: 'kept' }]);

      await broker.kill();
      await broker.start();

      const records = await kafka.dump(topic, { isolation: 'read_uncommitted' });
      expect(records.map(({ value }) => value)).toEqual(['kept']);
    } finally {
      await broker.stop();
    }
    expect(existsSync(broker.folder)).toBe(false);
  });

  it('stops, kills and starts a cluster with its settings and its data', async () => {
    const cluster = await PostgresCluster.start({ wal_level: 'logical' });
    try {
      await ask(cluster.url, 'CREATE TABLE kept AS SELECT 1 AS id');

      await cluster.stop('fast');
      await expect(ask(cluster.url, 'SELECT 1')).rejects.toThrow('ECONNREFUSED');
      await cluster.start();
      await cluster.kill();
      await expect(ask(cluster.url, 'SELECT 1')).rejects.toThrow('ECONNREFUSED');
      await cluster.start();

      expect(await ask(cluster.url, 'SHOW wal_level')).toEqual([{ wal_level: 'logical' }]);
      expect(await ask(cluster.url, 'SELECT id FROM kept')).toEqual([{ id: 1 }]);
    } finally {
      await cluster.remove();
    }
    expect(existsSync(cluster.folder)).toBe(false);
  });

  it.each([
    ['kafka-broker', 'KafkaBroker', 'SIGKILL'],
    ['kafka-broker', 'KafkaBroker', 'SIGTERM'],
    ['postgres-cluster', 'PostgresCluster', 'SIGKILL'],
    ['postgres-cluster', 'PostgresCluster', 'SIGINT'],
  ] as const)(
    '%s: leaves nothing when the program that started %s dies of %s',
    async (file, name, signal) => {
      const program = `
      const { ${name} } = await import('./dist-test/test/services/${file}.js');
      console.log((await ${name}.start()).folder);
      setInterval(() => {}, 1000);
    `;
      const parent = spawn(process.execPath, ['--input-type=module', '-e', program], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      const [folder] = await once(createInterface({ input: parent.stdout }), 'line');
      expect(existsSync(folder)).toBe(true);

      const ended = once(parent, 'exit');
      parent.kill(signal);
      await ended;

      await until('the folder is gone', async () => !existsSync(folder));
      await until('the processes are gone', async () => !(await isRunning(folder)));
    },
  );
});
