/**
 * A lone event every 100 ms or so, published in a business transaction, with the relay in the same process. It tells the
 * milliseconds from each commit to the broker's acknowledgement.
 */
import { type Broker, Engine, silentLogger } from '@exactly-once/core';
import { kafkaBroker } from '@exactly-once/kafka';
import { storageOn } from '@exactly-once/typeorm';
import { DataSource } from 'typeorm';
import { orderMessage } from '../harness/produce-events.js';
import { request } from './order-payload.js';

const { databaseUrl, brokers, topic, events } = request();
const dataSource = new DataSource({ type: 'postgres', url: databaseUrl });
await dataSource.initialize();

const committedAtMs = new Map<string, number>();
const acknowledgedAtMs = new Map<string, number>();

/** It tells of each event that has come to both points. */
function note(times: Map<string, number>, id: string): void {
  times.set(id, performance.now());
  const [committed, acknowledged] = [committedAtMs.get(id), acknowledgedAtMs.get(id)];
  if (committed !== undefined && acknowledged !== undefined) process.send?.(acknowledged - committed);
}

/** The broker, whose acknowledgements are noted. */
function watched(broker: Broker): Broker {
  const publisherOf = broker.publisher.bind(broker);
  broker.publisher = () => {
    const publisher = publisherOf();
    const send = publisher.send.bind(publisher);
    publisher.send = async (sent) => {
      const outcomes = await send(sent);
      for (const { id } of sent) note(acknowledgedAtMs, id);
      return outcomes;
    };
    return publisher;
  };
  return broker;
}

const engine = new Engine({
  service: 'bench',
  storage: storageOn(dataSource, { migrate: true }),
  broker: watched(await kafkaBroker({ client: { brokers: [...brokers] } }).create()),
  handlers: [],
  types: [],
  unhandled: 'skip',
  logger: silentLogger,
});
process.once('SIGTERM', async () => {
  await engine.stop();
  await dataSource.destroy();
});
await engine.start();
for (let number = 1; number <= events; number++) {
  const order = JSON.parse(orderMessage(number).value);
  const { id } = await engine.transaction(() =>
    engine.outbox.publish({ type: 'order.placed', topic, version: 1 }, order, { key: order.orderId }),
  );
  note(committedAtMs, id);
  await new Promise((resolve) => setTimeout(resolve, 75 + 50 * Math.random()));
}
