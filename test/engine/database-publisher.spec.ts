import { DatabaseBroker, noTelemetry, silentLogger } from '@exactly-once/core';
import { InMemoryStorage, ManualClock } from '@exactly-once/testing';
import { describe, expect, it } from '@jest/globals';

describe('the publisher of the database broker', () => {
  it('appends large events in steps, in order', async () => {
    const storage = new InMemoryStorage(new ManualClock());
    const made = new DatabaseBroker({ partitions: 1 });
    const [clock, logger, telemetry, service] = [storage.clock, silentLogger, noTelemetry, 's'];
    made.bind({ storage, clock, logger, telemetry, service, random: Math.random });
    const sizes: number[] = [];
    const append = storage.log.append.bind(storage.log);
    storage.log.append = (records) => {
      sizes.push(records.length);
      return append(records);
    };
    const event = { source: 's', type: 't', version: 1, topic: 't', key: null, timeMs: 0, contentType: 'c' };
    const events = ['1', '2', '3', '4', '5'].map((id) => {
      const body = Buffer.alloc(id === '4' ? 9_000_000 : 2_000_000);
      return { ...event, id, headers: {}, traceparent: null, tracestate: null, body };
    });

    const outcomes = await made.publisher().send(events);

    expect(sizes).toEqual([2, 1, 1, 1]);
    expect(outcomes).toHaveLength(5);
    const read = await storage.log.read(
      { topic: 't', partition: 0, offset: 0n },
      { maxEvents: 9, maxBytes: 1e9 },
    );
    expect(read.map(({ headers }) => Buffer.from(headers['ce_id']!).toString())).toEqual([
      '1',
      '2',
      '3',
      '4',
      '5',
    ]);
  });
});
