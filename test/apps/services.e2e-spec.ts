import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { audit } from '../../apps/shop/src/audit/audit.js';
import { until } from '../services/ports.js';
import { chargeFindings, mailFindings } from './charges.js';
import type { ServiceName } from './service-process.js';
import {
  atRest,
  booksOf,
  copyAll,
  deadLetters,
  openShop,
  placeOrder,
  type Shop,
  serviceNames,
} from './shop.js';

let shop: Shop;
/** Milliseconds for a test that starts all services again. */
const longMs = 180_000;
const acknowledged: string[] = [];

beforeAll(async () => {
  shop = await openShop();
}, longMs);
afterAll(async () => {
  await shop?.close();
});

async function order(totalCents: number): Promise<string | null> {
  const id = await placeOrder(shop, totalCents);
  if (id !== null) acknowledged.push(id);
  return id;
}

/** The audit of the shop, what the providers say to it, and what was given up. */
async function findings(): Promise<readonly string[]> {
  const told = [...acknowledged];
  const books = await booksOf(shop);
  const charges = chargeFindings(books, [...shop.provider.charges.values()]);
  const mails = mailFindings(books, [...shop.mail.sent.values()]);
  const letters = await deadLetters(shop);
  const given = letters > 0 ? [`${letters} dead letters`] : [];
  return [...audit({ ...books, acknowledged: told }).findings, ...charges, ...mails, ...given];
}

async function health(): Promise<(number | undefined)[]> {
  const answers = await Promise.all(serviceNames.map((name) => shop.services[name].get('/health')));
  return answers.map((answer) => answer?.status);
}

const rowsIn = async (service: ServiceName, table: string): Promise<number> => {
  const [{ count }] = await shop.databases[service].query(`SELECT count(*)::int AS count FROM ${table}`);
  return count;
};

const everyStatus = async (expected: number) => (await health()).every((status) => status === expected);

describe('the four services', () => {
  it('take an order over HTTP, and ship it', async () => {
    const id = await order(1_250);

    await atRest(shop);

    const shown = await shop.services.orders.get(`/orders/${id}`);
    expect(shown).toMatchObject({
      status: 200,
      body: { id, customer: 'Ada', totalCents: 1_250, paidCents: 1_250, state: 'shipped' },
    });
    expect(await findings()).toEqual([]);
  });

  it('refuse a bad order and leave nothing behind', async () => {
    const { orders } = shop.services;
    const before = await rowsIn('orders', '"order"');

    const answers = await Promise.all([
      orders.post('/orders', { customer: 'Ada', totalCents: 0 }),
      orders.post('/orders', { customer: '', totalCents: 1 }),
      orders.post('/orders', { customer: 'A\0a', totalCents: 1 }),
      orders.post('/orders', { customer: 'Ada', totalCents: 2_147_483_648 }),
      orders.post('/orders', {}),
      orders.get('/orders/not-a-uuid'),
      orders.get('/orders/00000000-0000-4000-8000-000000000000'),
    ]);

    expect(answers.map((answer) => answer?.status)).toEqual([400, 400, 400, 400, 400, 400, 404]);
    expect(await rowsIn('orders', '"order"')).toBe(before);
  });

  it('cancel an order whose payment is refused, once, and ship its neighbours', async () => {
    shop.provider.decline(5_002, 'insufficient_funds');

    const placed = [await order(5_001), await order(5_002), await order(5_003)];
    await atRest(shop);

    const shown = await Promise.all(placed.map((id) => shop.services.orders.get(`/orders/${id}`)));
    expect(shown.map((answer) => answer?.body.state)).toEqual(['shipped', 'cancelled', 'shipped']);
    const told = await shop.databases.notifications.query(
      'SELECT about, text FROM notification WHERE "orderId" = $1',
      [placed[1]],
    );
    expect(told).toMatchObject([{ about: 'cancelled', text: expect.stringContaining('insufficient_funds') }]);
    const mails = [...shop.mail.sent.values()].filter(({ orderId }) => orderId === placed[1]);
    expect(mails).toEqual([{ orderId: placed[1], text: told[0].text }]);
    expect(await findings()).toEqual([]);
  });

  it(
    'bring each order to its end once when all of them are killed in the middle',
    async () => {
      const { provider, mail, services } = shop;
      const { orders, payments, shipping, notifications } = services;
      provider.decline(113, 'declined');
      provider.withholdAt(provider.charges.size + 10);
      mail.withholdAt(mail.sent.size + 1);

      for (let index = 1; index <= 30; index++) await order(index);
      await until('a charge is in flight', async () => provider.withheld !== null);
      await until('a mail is in flight', async () => mail.withheld !== null);
      await shipping.kill();
      await notifications.kill();
      await payments.kill();
      const posting = Array.from({ length: 40 }, (_, index) => order(100 + index));
      await Promise.any(posting);
      await orders.kill();
      const told = await Promise.all(posting);
      const half = {
        shipments: await rowsIn('shipping', 'shipment'),
        orders: await rowsIn('orders', '"order"'),
      };
      await Promise.all(serviceNames.map((name) => services[name].start()));
      await atRest(shop);

      expect(await findings()).toEqual([]);
      expect(provider.calls.get(provider.withheld!)).toBe(2);
      expect(mail.calls.get(mail.withheld!)).toBe(2);
      expect(told).toContain(null);
      expect(half.shipments).toBeLessThan(half.orders);
      expect(await rowsIn('shipping', 'shipment')).toBeGreaterThan(half.shipments);
    },
    longMs,
  );

  it('absorb a copy of every event', async () => {
    const before = (await booksOf(shop)).notifications.length;

    const copies = await copyAll(shop);
    await atRest(shop);

    expect(copies).toBeGreaterThanOrEqual(3 * before);
    expect((await booksOf(shop)).notifications).toHaveLength(before);
    expect(await findings()).toEqual([]);
  });

  it('try again where the providers ask for patience', async () => {
    const { provider, mail } = shop;
    provider.failOnce(2_001, 503);
    mail.failNext(5); // as often as an event is tried by default

    const id = await order(2_001);
    await atRest(shop);

    expect(await findings()).toEqual([]);
    const [key] = [...provider.charges].find(([, { cents }]) => cents === 2_001)!;
    expect(provider.calls.get(key)).toBe(2);
    const [mailed] = [...mail.sent].find(([, { orderId }]) => orderId === id)!;
    expect(mail.calls.get(mailed)).toBe(6);
  });

  it(
    'take orders while the broker is away, say so at /health, and go on when it is back',
    async () => {
      const { broker, services } = shop;
      await until('all are healthy', () => everyStatus(200));

      await broker.kill();
      await until('all are down', () => everyStatus(503));
      const id = await order(3_001);
      await broker.start();
      await atRest(shop);
      await until('all are healthy again', () => everyStatus(200));

      expect(id).not.toBeNull();
      expect(serviceNames.map((name) => services[name].running)).toEqual([true, true, true, true]);
      expect(await findings()).toEqual([]);
    },
    longMs,
  );

  it(
    'end on SIGTERM, and do after the next start what came meanwhile',
    async () => {
      const { orders, ...others } = shop.services;
      const rest = Object.values(others);

      const ending = rest.map((service) => service.terminate());
      for (let index = 1; index <= 5; index++) await order(4_000 + index);
      const codes = [...(await Promise.all(ending)), await orders.terminate()];
      await Promise.all([...rest, orders].map((service) => service.start()));
      await atRest(shop);

      expect(codes).toEqual([0, 0, 0, 0]);
      expect(await findings()).toEqual([]);
    },
    longMs,
  );

  it('give up an order that the provider does not understand, and ship its neighbours', async () => {
    shop.provider.failOnce(6_002, 422);

    const [, lost] = [await order(6_001), await order(6_002), await order(6_003)];
    await until('it is a dead letter', async () => (await deadLetters(shop)) === 1);
    await atRest(shop, 1);

    expect(await findings()).toEqual([`order ${lost} was neither paid nor refused`, '1 dead letters']);
  });
});
