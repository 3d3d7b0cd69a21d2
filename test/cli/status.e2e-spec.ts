import type { Storage } from '@exactly-once/core';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { findKafka, type KafkaCluster } from '../services/kafka.js';
import { anEvent, begun, StorageWorld, sealAndCommit } from '../typeorm/storage-world.js';
import { runTool } from './run-tool.js';

describe('exactly-once status', () => {
  let world: StorageWorld;
  let storage: Storage;
  let kafka: KafkaCluster;

  beforeAll(async () => {
    [world, kafka] = [await StorageWorld.open('status_tool'), await findKafka()];
    storage = await world.storage();
  });

  afterAll(async () => {
    await world.close();
    await kafka.stop();
  });

  const status = (...words: string[]) => runTool(['status', ...words], { DATABASE_URL: world.database.url });

  it('shows that nothing waits, and then what waits for whom', async () => {
    const empty = await status();
    const topic = await kafka.createTopic('status');
    const producer = kafka.client.producer();
    await producer.connect();
    await producer.send({ topic, messages: [1, 2, 3].map((one) => ({ value: `${one}`, partition: 0 })) });
    await producer.disconnect();
    const [handler] = await storage.handlers.register('payments', [{ name: 'capture' }], () => undefined);
    await storage.log.createTopics(['orders'], 1);
    await storage.log.append(
      ['a', 'b'].map(() => ({ topic: 'orders', key: null, hash: 0, headers: {}, body: null })),
    );
    await storage.fences.claim({ group: 'g', topic: 'orders', partition: 0 }, 'me', 1n);
    await storage.fences.claim({ group: 'g', topic, partition: 0 }, 'me', 1n);
    const transaction = await storage.begin(begun);
    transaction.outgoing.push({ event: anEvent(), deliverAtMs: null });
    await storage.deadLetters.insert(transaction, {
      ...{
        handler: 'capture',
        topic: 'orders',
        partition: 0,
        offset: 7n,
        key: null,
        eventId: 'a',
        source: 's',
      },
      ...{ type: 't', headers: {}, body: null, code: 'EO_PERMANENT', errorChain: [], attempts: 1 },
      ...{ firstAttemptAtMs: 1, serviceVersion: null, redacted: false, replayOf: null },
      target: {
        handlerId: handler!.id,
        keyHash: Buffer.alloc(32),
        inboxKey: Buffer.alloc(24),
        timestampMs: 1,
      },
    });
    await sealAndCommit(transaction);

    const text = await status('--brokers', kafka.brokers.join(','));
    await storage.deadLetters.replay([1n], 'ada');
    const { out } = await status('--json');

    expect(empty).toEqual({
      code: 0,
      out: 'Outbox: 0 events pending, 0 dead\nParked: none\nDead letters: none\nPositions: none\n',
      err: '',
    });
    expect(text.out).toMatch(/^Outbox: 1 event pending, the oldest for \d+ s, 0 dead\nParked: none\n/);
    expect(text.out).toMatch(/HANDLER +CODE +LETTERS\ncapture +EO_PERMANENT +1\n/);
    expect(text.out).toMatch(/\ng +orders +0 +1 +1 +me\n/);
    expect(text.out).toMatch(new RegExp(`\ng +${topic} +0 +1 +2 +me\n`));
    expect(JSON.parse(out)).toMatchObject({
      outbox: { pending: 1, dead: 0 },
      parked: [{ handler: 'capture', keys: 1, events: 1 }],
      deadLetters: [],
      positions: [
        { topic: 'orders', nextOffset: '1', lag: '1' },
        { topic, lag: null },
      ],
    });
  });

  it('fails where the broker that was named does not answer, and says so', async () => {
    const { code, out, err } = await status('--brokers', '127.0.0.1:1');

    expect({ code, out }).toEqual({ code: 1, out: '' });
    expect(err).toContain('127.0.0.1:1');
  });
});
