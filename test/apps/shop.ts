/**
 * Both services with everything they need: a broker, a database for each, and the provider. The broker is the
 * test's own, because the services' topics have fixed names that may be somebody else's on a shared one.
 */
import { KafkaCluster } from '../services/kafka.js';
import { KafkaBroker } from '../services/kafka-broker.js';
import { until } from '../services/ports.js';
import { findPostgres, type TestDatabase } from '../services/postgres.js';
import { ProviderServer } from './provider-server.js';
import { ServiceProcess } from './service-process.js';

export interface Shop {
  readonly broker: KafkaBroker;
  readonly provider: ProviderServer;
  readonly orders: ServiceProcess;
  readonly payments: ServiceProcess;
  readonly ordersDatabase: TestDatabase;
  readonly paymentsDatabase: TestDatabase;
  readonly close: () => Promise<void>;
}

/** A broker that was killed is let in again only when its former session is over: 9 s by default. */
const settings = { 'broker.session.timeout.ms': '2000', 'broker.heartbeat.interval.ms': '500' };

/** What was begun is ended, also where a later step fails. */
export async function openShop(): Promise<Shop> {
  const ends: (() => Promise<unknown>)[] = [];
  const close = async () => {
    for (const end of ends.splice(0).reverse()) await end();
  };
  try {
    const server = await findPostgres();
    ends.push(server.stop);
    const ordersDatabase = await server.createDatabase('orders');
    ends.push(ordersDatabase.drop);
    const paymentsDatabase = await server.createDatabase('payments');
    ends.push(paymentsDatabase.drop);
    const broker = await KafkaBroker.start({ settings });
    ends.push(() => broker.stop());
    const cluster = new KafkaCluster([broker.address], async () => undefined);
    for (const topic of ['orders', 'payments']) await cluster.createNamedTopic(topic, 4);
    const provider = await ProviderServer.start();
    ends.push(() => provider.stop());
    const start = async (app: 'orders' | 'payments', database: TestDatabase) => {
      const service = await ServiceProcess.start(app, {
        DATABASE_URL: database.url,
        KAFKA_BROKERS: broker.address,
        PAYMENT_PROVIDER_URL: provider.url,
      });
      ends.push(() => service.remove());
      return service;
    };
    const orders = await start('orders', ordersDatabase);
    const payments = await start('payments', paymentsDatabase);
    return { broker, provider, orders, payments, ordersDatabase, paymentsDatabase, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Places an order; its id, or `null` where the connection broke. */
export async function placeOrder({ orders }: Shop, totalCents: number): Promise<string | null> {
  const answer = await orders.post('/orders', { customer: 'Ada', totalCents });
  if (answer !== null && answer.status !== 201) throw new Error(`${answer.status}\n${orders.log()}`);
  return answer?.body.id ?? null;
}

/** Resolves when every order that is in the database is paid. */
export async function allPaid(shop: Shop): Promise<void> {
  const { orders, payments, ordersDatabase } = shop;
  try {
    await until('all orders are paid', async () => {
      const [{ open }] = await ordersDatabase.query(
        `SELECT count(*)::int AS open FROM "order" WHERE state <> 'paid'`,
      );
      return open === 0;
    });
  } catch (cause) {
    throw new Error(`${orders.log()}\n${payments.log()}`, { cause });
  }
}
