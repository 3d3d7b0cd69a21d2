import { readFile } from 'node:fs/promises';
import { type EventEnvelope, type Storage } from '@exactly-once/core';
import { storageOn } from '@exactly-once/typeorm';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { DataSource } from 'typeorm';
import { readEvent } from '../../libs/core/src/event/event-reader.js';
import { type DumpedRecord, findKafka, type KafkaCluster } from '../services/kafka.js';
import { KafkaConnect } from '../services/kafka-connect.js';
import { until } from '../services/ports.js';
import { PostgresCluster } from '../services/postgres-cluster.js';
import { anEvent, begun, sealAndCommit } from '../typeorm/storage-world.js';

/** Kafka Connect alone needs half a minute to start on a busy machine. */
const patienceMs = 120_000;

/** The connector's settings as docs/debezium.md shows them. */
async function documented(): Promise<Record<string, string>> {
  const page = await readFile('docs/debezium.md', 'utf8');
  const lines = /```properties\n([\s\S]*?)```/
    .exec(page)![1]!
    .split('\n')
    .filter((line) => line !== '');
  return Object.fromEntries(lines.map((line) => [line.split('=')[0], line.slice(line.indexOf('=') + 1)]));
}

function read({ key, headers, value, partition, offset }: DumpedRecord, topic: string): EventEnvelope {
  const given = Object.entries(headers).map(([name, text]) => [
    name,
    Buffer.from(text.replace('\u0003', '')),
  ]);
  const [keyBytes, body] = [key, value].map((text) => (text === null ? null : Buffer.from(text)));
  const record = { topic, partition, offset, key: keyBytes!, body: body!, timestampMs: 1 };
  return readEvent({ ...record, headers: Object.fromEntries(given) }, {});
}

describe("Debezium's outbox event router", () => {
  let postgres: PostgresCluster;
  let kafka: KafkaCluster;
  let source: DataSource;
  let storage: Storage;
  let connect: KafkaConnect;
  let topics: [string, string];

  beforeAll(async () => {
    postgres = await PostgresCluster.start({ wal_level: 'logical' });
    kafka = await findKafka();
    topics = [await kafka.createTopic('routed'), await kafka.createTopic('routed')];
    source = await new DataSource({ type: 'postgres', url: `${postgres.url}/postgres` }).initialize();
    storage = storageOn(source, { migrate: true });
    await storage.open();
  });

  afterAll(async () => {
    await connect.stop();
    await storage.close();
    await source.destroy();
    await kafka.stop();
    await postgres.remove();
  });

  async function publish(...events: Partial<EventEnvelope>[]): Promise<void> {
    const transaction = await storage.begin(begun);
    for (const event of events) transaction.outgoing.push({ event: anEvent(event), deliverAtMs: null });
    await sealAndCommit(transaction);
  }

  async function arrived(topic: string, count: bigint): Promise<void> {
    const isThere = async () => {
      connect.check();
      return [...(await kafka.ends(topic)).values()][0] === count;
    };
    await until(`${count} records stand on ${topic}`, isThere, patienceMs);
  }
  const base64 = (id: string) => Buffer.from(id).toString('base64');

  it('publishes the outbox, with the settings of the documentation, as events that handlers understand', async () => {
    const [topic, other] = topics;
    await publish({ id: 'before it ran', topic, key: 'é\u0000', body: Buffer.from('{"a":"ä"}') });
    const { 'database.password': _, ...settings } = await documented();
    const place = {
      name: 'outbox',
      'database.hostname': '127.0.0.1',
      'database.port': String(postgres.port),
      'database.user': 'postgres',
      'database.dbname': 'postgres',
    };
    connect = await KafkaConnect.start(kafka.brokers, { ...settings, ...place });
    await arrived(topic, 1n);

    const trace = {
      traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
      tracestate: 'a=b',
    };
    await publish({ id: 'nul \u0000 é', topic: other, key: null, source: '/shop ä', version: 3, ...trace });
    await publish({ id: 'no body', topic, body: null, contentType: 'text/plain' });
    await arrived(topic, 2n);
    expect(await storage.outbox.deleteUnrelayed(0, 100)).toBe(3);
    await publish({ id: 'after the rows were deleted', topic });
    await arrived(topic, 3n);
    await arrived(other, 1n);

    const records = await kafka.dump(topic, { isolation: 'read_committed' });
    const [first, second, third] = records.map((record) => read(record, topic));
    expect(first).toMatchObject({
      id: base64('before it ran'),
      source: 'test',
      type: 'order.placed',
      version: 1,
    });
    expect(first).toMatchObject({ key: 'é\u0000', contentType: 'application/json', traceparent: null });
    expect(Buffer.from(first!.body!).toString()).toBe('{"a":"ä"}');
    expect(second).toMatchObject({ id: base64('no body'), body: null, contentType: 'text/plain' });
    expect(third).toMatchObject({ id: base64('after the rows were deleted') });
    const [only] = await kafka.dump(other, { isolation: 'read_committed' });
    const expected = { id: base64('nul \u0000 é'), source: '/shop ä', key: null, version: 3, ...trace };
    expect(read(only!, other)).toMatchObject(expected);
  }, 300_000);
});
