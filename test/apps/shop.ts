/**
 * The four services with everything they need: a broker, a database for each, and the providers. The broker is the
 * test's own, because the services' topics have fixed names that may be somebody else's on a shared one.
 */
import { audit } from '../../apps/shop/src/audit/audit.js';
import { type Books, readBooks } from '../../apps/shop/src/audit/books.js';
import { KafkaCluster } from '../services/kafka.js';
import { KafkaBroker } from '../services/kafka-broker.js';
import { until } from '../services/ports.js';
import { findPostgres, type TestDatabase } from '../services/postgres.js';
import { MailServer } from './mail-server.js';
import { ProviderServer } from './provider-server.js';
import { type ServiceName, ServiceProcess } from './service-process.js';

export interface Shop {
  readonly broker: KafkaBroker;
  readonly cluster: KafkaCluster;
  readonly provider: ProviderServer;
  readonly mail: MailServer;
  readonly services: Readonly<Record<ServiceName, ServiceProcess>>;
  readonly databases: Readonly<Record<ServiceName, TestDatabase>>;
  readonly close: () => Promise<void>;
}

/** What each service consumes. */
const consumed: Readonly<Record<ServiceName, readonly string[]>> = {
  orders: ['payments', 'shipments'],
  payments: ['orders'],
  shipping: ['payments'],
  notifications: ['orders', 'shipments'],
};
export const serviceNames = Object.keys(consumed) as readonly ServiceName[];
const topics: readonly string[] = ['orders', 'payments', 'shipments'];

/** Milliseconds for everything that is under way to be done, also after restarts on a busy machine. */
const patienceMs = 60_000;

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
    const broker = await KafkaBroker.start({ settings });
    ends.push(() => broker.stop());
    const cluster = new KafkaCluster([broker.address], async () => undefined);
    for (const topic of topics) await cluster.createNamedTopic(topic, 4);
    const provider = await new ProviderServer().listen();
    ends.push(() => provider.stop());
    const mail = await new MailServer().listen();
    ends.push(() => mail.stop());
    const databases = await forEachService(async (name) => {
      const database = await server.createDatabase(name);
      ends.push(database.drop);
      return database;
    });
    const services = await forEachService(async (name) => {
      const service = await ServiceProcess.start(name, {
        DATABASE_URL: databases[name].url,
        KAFKA_BROKERS: broker.address,
        PAYMENT_PROVIDER_URL: provider.url,
        MAIL_PROVIDER_URL: mail.url,
      });
      ends.push(() => service.remove());
      return service;
    });
    return { broker, cluster, provider, mail, services, databases, close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function forEachService<T>(make: (name: ServiceName) => Promise<T>): Promise<Record<ServiceName, T>> {
  const made: [ServiceName, T][] = [];
  for (const name of serviceNames) made.push([name, await make(name)]);
  return Object.fromEntries(made) as Record<ServiceName, T>;
}

/** Places an order; its id, or `null` where the connection broke. */
export async function placeOrder({ services }: Shop, totalCents: number): Promise<string | null> {
  const { orders } = services;
  const answer = await orders.post('/orders', { customer: 'Ada', totalCents });
  if (answer !== null && answer.status !== 201) throw new Error(`${answer.status}\n${orders.log()}`);
  return answer?.body.id ?? null;
}

export function booksOf({ databases }: Shop): Promise<Omit<Books, 'acknowledged'>> {
  const { orders, payments, shipping, notifications } = databases;
  return readBooks({
    orders: (sql) => orders.query(sql),
    payments: (sql) => payments.query(sql),
    shipping: (sql) => shipping.query(sql),
    notifications: (sql) => notifications.query(sql),
  });
}

/** Resolves when no order waits for anything, except the `hopeless`, and every service has read its topics to the end. */
export async function atRest(shop: Shop, hopeless = 0): Promise<void> {
  const { services } = shop;
  try {
    await until(
      'every order has come to its end',
      async () => audit(await booksOf(shop)).lost === hopeless,
      patienceMs,
    );
    await until('all topics are read', async () => allRead(shop), patienceMs);
  } catch (cause) {
    const logs = serviceNames.map((name) => services[name].log());
    throw new Error(`${audit(await booksOf(shop)).findings.join('\n')}\n${logs.join('\n')}`, { cause });
  }
}

async function allRead({ cluster }: Shop): Promise<boolean> {
  for (const group of serviceNames) {
    for (const topic of consumed[group]) {
      const [ends, committed] = [await cluster.ends(topic), await cluster.committed(group, topic)];
      for (const [partition, end] of ends) {
        if (end > 0n && committed.get(partition) !== end) return false;
      }
    }
  }
  return true;
}

/** Events that a service gave up. */
export async function deadLetters({ databases }: Shop): Promise<number> {
  const counts = serviceNames.map(async (name) => {
    const [{ count }] = await databases[name].query('SELECT count(*)::int AS count FROM eo_dead_letter');
    return count as number;
  });
  return (await Promise.all(counts)).reduce((sum, count) => sum + count, 0);
}

/** Produces every record of every topic once more, as a producer does whose acknowledgements were lost. */
export async function copyAll({ cluster }: Shop): Promise<number> {
  const producer = cluster.client.producer();
  await producer.connect();
  let copies = 0;
  for (const topic of topics) {
    const records = await cluster.dump(topic, { isolation: 'read_uncommitted' });
    const messages = records.map(({ key, value, headers, partition }) => ({
      key,
      value,
      headers,
      partition,
    }));
    await producer.send({ topic, messages });
    copies += messages.length;
  }
  await producer.disconnect();
  return copies;
}
