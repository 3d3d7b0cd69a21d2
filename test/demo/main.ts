/**
 * `npm start`: the whole path of an event with nothing but Node, on in-memory ports. Orders are placed while the
 * transport delivers every event several times and handlers fail at random; the books are then audited.
 */
import { Engine, type EventTypeDescriptor, type HandlerDefinition } from '@exactly-once/core';
import { InMemoryBroker, InMemoryStorage } from '@exactly-once/testing';

interface Order {
  readonly orderId: string;
  readonly cents: number;
}

const orders = 1_000;
const failureRate = 0.05;
const placed: EventTypeDescriptor<Order> = {
  type: 'order.placed',
  topic: 'orders',
  version: 1,
  key: (order) => order.orderId,
};
const captured: EventTypeDescriptor<Order> = {
  type: 'payment.captured',
  topic: 'payments',
  version: 1,
  key: (order) => order.orderId,
};

const storage = new InMemoryStorage();
const broker = new InMemoryBroker();
const payments = storage.table<Order>();
const shipments = storage.table<Order>();
let calls = 0;
let failures = 0;

/** Writes its table, then fails at random: what it wrote must go with it. */
function handler(name: string, type: string, work: (order: Order) => unknown): HandlerDefinition {
  return {
    name,
    type,
    retry: { attempts: 50, backoffMs: 1, maxBackoffMs: 5 },
    invoke: async (data) => {
      calls++;
      await work(data as Order);
      if (Math.random() >= failureRate) return;
      failures++;
      throw new Error('a failure by chance');
    },
  };
}

const engine = new Engine({
  service: 'shop',
  storage,
  broker,
  types: [placed, captured],
  unhandled: 'stop',
  handlers: [
    handler('payments/capture', 'order.placed', async (order) => {
      payments.append(order);
      await engine.outbox.publish(captured, order);
    }),
    handler('shipping/ship', 'payment.captured', (order) => shipments.append(order)),
  ],
});
await engine.start();

let duplicates = 0;
for (let number = 1; number <= orders; number++) {
  await engine.transaction(() =>
    engine.outbox.publish(placed, { orderId: `order-${number}`, cents: number }),
  );
  if (number % 100 === 0) process.stdout.write(`\r${number} orders placed`);
  duplicates += deliverAgain('orders') + deliverAgain('payments');
}
while (shipments.rows.length < orders) await new Promise((resolve) => setTimeout(resolve, 10));
duplicates += deliverAgain('orders', 500);
await new Promise((resolve) => setTimeout(resolve, 100));
await engine.stop();

/** A producer's retry: the same records once more, at other offsets. */
function deliverAgain(topic: string, most = 2): number {
  const log = broker.topic(topic);
  const again = Array.from(
    { length: Math.min(most, log.length) },
    () => log[Math.floor(Math.random() * log.length)]!,
  );
  for (const { headers, body } of again) broker.append(topic, { headers, body });
  return again.length;
}

const total = (orders * (orders + 1)) / 2;
const sum = (rows: readonly Order[]) => rows.reduce((cents, row) => cents + row.cents, 0);
const distinct = (rows: readonly Order[]) => new Set(rows.map((row) => row.orderId)).size;
const clean = [payments.rows, shipments.rows].every(
  (rows) => rows.length === orders && distinct(rows) === orders && sum(rows) === total,
);
process.stdout.write(
  `\n${orders} orders, ${duplicates} duplicates delivered, ${calls} handler calls, ${failures} of them failed\n` +
    `payments: ${payments.rows.length} rows, ${sum(payments.rows)} cents; shipments: ${shipments.rows.length} rows\n` +
    `expected: ${orders} rows, ${total} cents; dead letters: ${await storage.deadLetters.count()}\n` +
    `${clean ? 'Every effect happened exactly once.' : 'THE BOOKS DO NOT AGREE.'}\n`,
);
process.exitCode = clean ? 0 : 1;
