import { type Delivery, type EventEnvelope, readHeaders, writeHeaders } from '@exactly-once/core';
import { describe, expect, it } from '@jest/globals';
import { CloudEvent, Kafka } from 'cloudevents';

const event: EventEnvelope = {
  id: 'A234-1234-1234',
  source: '/orders',
  type: 'order.placed',
  version: 3,
  topic: 'orders',
  key: 'order-1',
  timeMs: Date.UTC(2026, 0, 2, 3, 4, 5, 678),
  contentType: 'application/json',
  headers: {},
  traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
  tracestate: null,
  body: Buffer.from('{"orderId":"order-1"}'),
};

/** The `cloudevents` package is the referee: it shares no line with our codec. */
describe('CloudEvents binary mode over Kafka', () => {
  it('is read by the cloudevents package as what we wrote', () => {
    const headers = writeHeaders(event);

    const read = Kafka.toEvent({
      headers,
      key: event.key!,
      value: JSON.parse(Buffer.from(event.body!).toString()),
      body: Buffer.from(event.body!).toString(),
    } as never) as CloudEvent<{ orderId: string }>;

    expect(read).toMatchObject({
      specversion: '1.0',
      id: event.id,
      source: event.source,
      type: event.type,
      time: new Date(event.timeMs!).toISOString(),
      datacontenttype: 'application/json',
      traceparent: event.traceparent,
    });
    expect(Number(read['dataversion'])).toBe(3);
    expect(read.data).toEqual({ orderId: 'order-1' });
    expect(() => read.validate()).not.toThrow();
  });

  it('reads what the cloudevents package wrote', () => {
    const written = Kafka.binary(
      new CloudEvent({
        id: 'é 1',
        source: '/shop',
        type: 'order.placed',
        time: '2026-01-02T03:04:05.678Z',
        data: { a: 1 },
      }),
    );
    const headers: Record<string, Uint8Array> = Object.create(null);
    for (const [name, value] of Object.entries(written.headers)) headers[name] = Buffer.from(String(value));
    const delivery: Delivery = {
      topic: 'orders',
      partition: 0,
      offset: 0n,
      key: null,
      headers,
      body: Buffer.from(JSON.stringify(written.value)),
      timestampMs: 0,
    };

    expect(readHeaders(delivery)).toMatchObject({
      id: 'é 1',
      source: '/shop',
      type: 'order.placed',
      version: 1,
      timeMs: Date.UTC(2026, 0, 2, 3, 4, 5, 678),
    });
  });
});
