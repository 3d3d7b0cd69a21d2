import { createRequire } from 'node:module';
import { InMemoryStorage } from '@exactly-once/testing';
import { describe, expect, it } from '@jest/globals';
import { toMessage } from '../../libs/kafka/src/kafka-message.js';
import { anEvent } from '../engine/relay-world.js';

// What kafkajs sends of one request to one partition, by its own encoder.
const require = createRequire(`${process.cwd()}/package.json`);
const { RecordBatch } = require('kafkajs/src/protocol/recordBatch/v0');
const toRecord = require('kafkajs/src/protocol/recordBatch/record/v0');

/** Kafka's default of `message.max.bytes`. */
const mostBytes = 1_048_588;

describe("a relay's full round", () => {
  const traced = {
    ...{ source: '/shop/orders', type: 'com.example.shop.order.placed', topic: 'shop.orders' },
    traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
    ...{ tracestate: 'vendor=abcdef', timeMs: 1_700_000_000_123 },
  };
  const id = (at: number) => `01890a5d-ac96-774b-bcce-${String(at).padStart(12, '0')}`;

  it.each([
    [100, 10_000],
    [1_000, 10_000],
    [1_800, 500],
    [2_000, 500],
    [3_000, 500],
    [5_000, 500],
    [50_000, 500],
  ])('is no more than Kafka takes at once, with bodies of %d bytes and %d rows', async (bodyBytes, rows) => {
    const storage = new InMemoryStorage();
    const transaction = await storage.begin();
    for (let at = 0; at < Math.min(rows, 1_500_000 / bodyBytes); at++) {
      const event = anEvent(id(at), { ...traced, key: id(at), body: Buffer.alloc(bodyBytes) });
      transaction.outgoing.push({ event, deliverAtMs: null });
    }
    await transaction.seal();
    await transaction.commit();
    const lease = await storage.leases.acquire(0, 'relay', 60_000);

    const round = await storage.outbox.claim(lease!, rows, { maxBytes: 1_000_000 });

    const records = round.rows.map(({ event }, offsetDelta) =>
      toRecord({ ...toMessage(event), offsetDelta, timestampDelta: 0 }),
    );
    const batch = await RecordBatch({ records, firstTimestamp: Date.now(), maxTimestamp: Date.now() });
    expect(batch.size()).toBeLessThan(mostBytes);
    expect(batch.size()).toBeGreaterThan(mostBytes * 0.7);
  });
});
