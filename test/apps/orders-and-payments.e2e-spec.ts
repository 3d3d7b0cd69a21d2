import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { until } from '../services/ports.js';
import type { TestDatabase } from '../services/postgres.js';
import { auditBooks, type Books } from './books.js';
import { allPaid, openShop, placeOrder, type Shop } from './shop.js';

let shop: Shop;
const acknowledged: string[] = [];
/** What a shell says of a process that SIGTERM ended, which Nest raises again after its hooks. */
const signalled = 128 + 15;

beforeAll(async () => {
  shop = await openShop();
});
afterAll(async () => {
  await shop?.close();
});

async function order(totalCents: number): Promise<string | null> {
  const id = await placeOrder(shop, totalCents);
  if (id !== null) acknowledged.push(id);
  return id;
}

async function deadLetters(database: TestDatabase): Promise<number> {
  const [{ count }] = await database.query('SELECT count(*)::int AS count FROM eo_dead_letter');
  return count;
}

async function books(): Promise<Books> {
  const { ordersDatabase, paymentsDatabase, provider } = shop;
  return {
    acknowledged,
    orders: await ordersDatabase.query('SELECT id, "totalCents", state FROM "order"'),
    payments: await paymentsDatabase.query('SELECT "orderId", cents, "chargeId" FROM payment'),
    charges: [...provider.charges.values()],
    deadLetters: (await deadLetters(ordersDatabase)) + (await deadLetters(paymentsDatabase)),
  };
}

describe('orders and payments', () => {
  it('places an order over HTTP and shows it as paid', async () => {
    const id = await order(1_250);

    await allPaid(shop);

    const shown = await shop.orders.get(`/orders/${id}`);
    expect(shown).toMatchObject({
      status: 200,
      body: { id, customer: 'Ada', totalCents: 1_250, state: 'paid' },
    });
    expect(auditBooks(await books())).toEqual([]);
  });

  it('refuses a bad order and leaves nothing behind', async () => {
    const before = (await books()).orders.length;

    const answers = await Promise.all([
      shop.orders.post('/orders', { customer: 'Ada', totalCents: 0 }),
      shop.orders.post('/orders', { customer: '', totalCents: 1 }),
      shop.orders.post('/orders', { customer: 'A\0a', totalCents: 1 }),
      shop.orders.post('/orders', { customer: 'Ada', totalCents: 2_147_483_648 }),
      shop.orders.post('/orders', {}),
      shop.orders.get('/orders/not-a-uuid'),
      shop.orders.get('/orders/00000000-0000-4000-8000-000000000000'),
    ]);

    expect(answers.map((answer) => answer?.status)).toEqual([400, 400, 400, 400, 400, 400, 404]);
    expect((await books()).orders).toHaveLength(before);
  });

  it('charges each order once when both services are killed in the middle', async () => {
    const { orders, payments, provider } = shop;
    provider.withholdAt(provider.charges.size + 10);

    for (let index = 1; index <= 30; index++) await order(index);
    await until('a charge is in flight', async () => provider.withheld !== null);
    await payments.kill();
    const posting = Array.from({ length: 40 }, (_, index) => order(100 + index));
    await Promise.any(posting);
    await orders.kill();
    const told = await Promise.all(posting);
    await Promise.all([orders.start(), payments.start()]);
    await allPaid(shop);

    expect(auditBooks(await books())).toEqual([]);
    expect(provider.calls.get(provider.withheld!)).toBe(2);
    expect(told).toContain(null);
  });

  it('tries again where the provider asks for patience', async () => {
    const { provider } = shop;
    provider.refuseOnce(2_001, 503);

    await order(2_001);
    await allPaid(shop);

    expect(auditBooks(await books())).toEqual([]);
    const [key] = [...provider.charges].find(([, { cents }]) => cents === 2_001)!;
    expect(provider.calls.get(key)).toBe(2);
  });

  it('takes orders while the broker is away, says so at /health, and goes on when it is back', async () => {
    const { broker, orders, payments } = shop;
    const health = async () =>
      (await Promise.all([orders.get('/health'), payments.get('/health')])).map((answer) => answer?.status);
    await until('both are healthy', async () => (await health()).every((status) => status === 200));

    await broker.kill();
    await until('both are down', async () => (await health()).every((status) => status === 503));
    const id = await order(3_001);
    await broker.start();
    await allPaid(shop);
    await until('both are healthy again', async () => (await health()).every((status) => status === 200));

    expect(id).not.toBeNull();
    expect([orders.running, payments.running]).toEqual([true, true]);
    expect(auditBooks(await books())).toEqual([]);
  });

  it('ends on SIGTERM, and what came meanwhile is done after the next start', async () => {
    const { orders, payments } = shop;

    const ended = payments.terminate();
    for (let index = 1; index <= 5; index++) await order(4_000 + index);
    const code = await ended;
    await payments.start();
    await allPaid(shop);

    expect(code).toBe(signalled);
    expect(await orders.terminate()).toBe(signalled);
    await orders.start();
    expect(auditBooks(await books())).toEqual([]);
  });

  it('gives up an order that the provider declines, and pays its neighbours', async () => {
    const { provider, paymentsDatabase } = shop;
    provider.refuseOnce(5_002, 402);

    const [before, declined, after] = [await order(5_001), await order(5_002), await order(5_003)];
    await until('the declined one is a dead letter', async () => (await deadLetters(paymentsDatabase)) === 1);
    await until('the neighbours are paid', async () => {
      const shown = await Promise.all([before, after].map((id) => shop.orders.get(`/orders/${id}`)));
      return shown.every((answer) => answer?.body.state === 'paid');
    });

    expect(auditBooks(await books())).toEqual([
      `order ${declined} is placed`,
      `order ${declined} has 0 payments`,
      `order ${declined} was charged 0 times`,
      '1 dead letters',
    ]);
  });
});
