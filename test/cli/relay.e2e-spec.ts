import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { GuardedProcess } from '../services/guarded-process.js';
import { findKafka, type KafkaCluster } from '../services/kafka.js';
import { until } from '../services/ports.js';
import { anEvent, begun, StorageWorld, sealAndCommit } from '../typeorm/storage-world.js';
import { runTool } from './run-tool.js';

describe('exactly-once relay', () => {
  let world: StorageWorld;
  let kafka: KafkaCluster;
  let topic: string;
  let folder: string;
  let relays: GuardedProcess[];

  beforeAll(async () => {
    world = await StorageWorld.open('relay_tool');
    await world.storage();
    kafka = await findKafka();
    folder = await mkdtemp(join(tmpdir(), 'eo-relay-'));
  });

  beforeEach(async () => {
    relays = [];
    topic = await kafka.createTopic('relayed', { partitions: 2 });
  });

  afterEach(async () => {
    for (const relay of relays) await relay.stop();
    await world.clear();
  });

  afterAll(async () => {
    await rm(folder, { recursive: true });
    await world.close();
    await kafka.stop();
  });

  async function start(...words: string[]): Promise<GuardedProcess> {
    const command = [process.execPath, 'dist/exactly-once.js', 'relay', '--url', world.database.url];
    const options = ['--brokers', kafka.brokers.join(','), '--lease', '1000', '--poll', '50', ...words];
    const relay = await GuardedProcess.start([...command, ...options], join(folder, `log-${relays.length}`));
    relays.push(relay);
    await until('the relay says that it runs', async () => relay.log().includes('relaying until'));
    return relay;
  }

  async function publish(ids: readonly string[]): Promise<void> {
    const storage = await world.storage();
    const transaction = await storage.begin(begun);
    const events = ids.map((id) => anEvent({ id, topic, key: `key ${id.length % 3}` }));
    transaction.outgoing.push(...events.map((event) => ({ event, deliverAtMs: null })));
    await sealAndCommit(transaction);
  }

  const outboxIsEmpty = () =>
    until('the outbox is empty', async () => {
      return (await world.database.query('SELECT 1 FROM eo_outbox')).length === 0;
    });
  const ids = (from: number, to: number) => Array.from({ length: to - from }, (_, at) => `e${from + at}`);
  const relayed = async () => {
    const records = await kafka.dump(topic, { isolation: 'read_committed' });
    return records.map(({ headers }) => headers['ce_id']!);
  };

  it('publishes what is in the outbox and what comes, and gives its leases up when it is told to end', async () => {
    await publish(ids(0, 50));
    const relay = await start();
    await publish(ids(50, 100));
    await outboxIsEmpty();

    relay.signal('SIGTERM');

    expect(await relay.ended(20_000)).toBe(0);
    expect((await relayed()).sort()).toEqual(ids(0, 100).sort());
    const held = await world.database.query('SELECT 1 FROM eo_lease WHERE until > clock_timestamp()');
    expect(held).toEqual([]);
  });

  it('goes on where another one was killed', async () => {
    const first = await start();
    await publish(ids(0, 10));
    await outboxIsEmpty();
    await start();

    await first.kill();
    await publish(ids(10, 20));
    await outboxIsEmpty();

    expect([...new Set(await relayed())].sort()).toEqual(ids(0, 20).sort());
  });

  it("takes kafkajs's client options from a file, and refuses what it does not know", async () => {
    const [good, bad] = [join(folder, 'good.json'), join(folder, 'bad.json')];
    await writeFile(good, JSON.stringify({ brokers: kafka.brokers, clientId: 'mine' }));
    await writeFile(bad, JSON.stringify({ brokers: kafka.brokers, clientID: 'mine' }));
    const url = ['relay', '--url', world.database.url];

    await start('--client', good);
    const refused = await runTool([...url, '--client', bad]);
    const missing = await runTool([...url, '--client', join(folder, 'none.json')]);

    expect([refused.code, missing.code]).toEqual([2, 2]);
    expect(refused.err).toContain('clientId');
    expect(missing.err).toContain('none.json cannot be read');
  });

  it('exits with 1 where the tables are not there, and says what to do', async () => {
    const words = [
      'relay',
      '--url',
      world.database.url,
      '--schema',
      'pg_catalog',
      '--brokers',
      '127.0.0.1:1',
    ];

    const { code, err } = await runTool(words);

    expect(code).toBe(1);
    expect(err).toContain('EO_SCHEMA_MISSING');
  });
});
