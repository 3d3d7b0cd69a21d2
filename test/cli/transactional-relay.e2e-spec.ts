import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { SeededRandom } from '../faults/harness/seeded-random.js';
import { idsOn } from '../kafka/committed-reader.js';
import { GuardedProcess } from '../services/guarded-process.js';
import { findKafka, type KafkaCluster } from '../services/kafka.js';
import { until } from '../services/ports.js';
import { anEvent, begun, StorageWorld, sealAndCommit } from '../typeorm/storage-world.js';

const seed = Number(process.env['EO_SEED'] ?? 1);
const keys = 5;

describe('exactly-once relay --transactional', () => {
  let world: StorageWorld;
  let kafka: KafkaCluster;
  let folder: string;
  const relays: GuardedProcess[] = [];

  beforeAll(async () => {
    world = await StorageWorld.open('transactional_tool');
    kafka = await findKafka();
    folder = await mkdtemp(join(tmpdir(), 'eo-transactional-'));
  });

  afterEach(async () => {
    for (const relay of relays.splice(0)) await relay.kill();
  });

  afterAll(async () => {
    await rm(folder, { recursive: true });
    await world.close();
    await kafka.stop();
  });

  async function start(): Promise<GuardedProcess> {
    const command = [process.execPath, 'dist/exactly-once.js', 'relay', '--url', world.database.url];
    const where = ['--brokers', kafka.brokers.join(','), '--outbox-prefix', 'relay-tool'];
    const how = ['--transactional', '--lease', '1000', '--poll', '20', '--batch', '20'];
    const relay = await GuardedProcess.start(
      [...command, ...where, ...how],
      join(folder, `log-${relays.length}`),
    );
    relays.push(relay);
    return relay;
  }

  /** In small transactions, for about twelve seconds. */
  async function publish(topic: string, ids: readonly string[]): Promise<void> {
    const storage = await world.storage();
    for (let from = 0; from < ids.length; from += 10) {
      const transaction = await storage.begin(begun);
      for (const id of ids.slice(from, from + 10)) {
        const event = anEvent({ id, topic, key: `key ${Number(id) % keys}` });
        transaction.outgoing.push({ event, deliverAtMs: null });
      }
      await sealAndCommit(transaction);
      await delay(40);
    }
  }

  /** Kills one of two relays, or stops it and lets it go on, again and again until `over`. */
  async function disturb(over: () => boolean): Promise<{ killed: number; stopped: number }> {
    const random = new SeededRandom(seed);
    const running = [await start(), await start()];
    const faults = { killed: 0, stopped: 0 };
    while (!over()) {
      await delay(random.between(200, 1_200));
      const victim = running.shift()!;
      if (random.chance(0.5)) {
        await victim.kill();
        faults.killed++;
        running.push(await start());
      } else {
        victim.signal('SIGSTOP');
        await delay(random.between(500, 2_500));
        victim.signal('SIGCONT');
        faults.stopped++;
        running.push(victim);
      }
    }
    return faults;
  }

  async function settled(): Promise<void> {
    const waiting = 'SELECT 1 FROM eo_outbox UNION ALL SELECT 1 FROM eo_outbox_batch';
    const done = async () => (await world.database.query(waiting)).length === 0;
    await until('all is settled', done).catch((error: Error) => {
      throw new Error(`${error.message}\n${relays.map((relay) => relay.log()).join('\n--\n')}`);
    });
  }

  it('puts each event onto the topic once, keys in order, while relays are killed, and stopped and resumed', async () => {
    const topic = await kafka.createTopic('once', { partitions: 3 });
    const ids = Array.from({ length: 3_000 }, (_, at) => String(10_000 + at));
    await world.storage();
    let over = false;

    const published = publish(topic, ids).finally(() => {
      over = true;
    });
    const faults = await disturb(() => over);
    await published;
    await settled();

    const seen = await idsOn(kafka, topic);
    const uncommitted = await idsOn(kafka, topic, 'read_uncommitted');
    const takenBack = uncommitted.length - ids.length;
    process.stderr.write(`seed ${seed}: ${JSON.stringify(faults)}, ${takenBack} copies taken back\n`);
    expect([...seen].sort()).toEqual(ids);
    for (let key = 0; key < keys; key++) {
      const ofKey = seen.filter((id) => Number(id) % keys === key);
      expect(ofKey).toEqual([...ofKey].sort());
    }
    expect(Math.min(faults.killed, faults.stopped)).toBeGreaterThan(1); // the faults fired
  }, 180_000);
});
