import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { KafkaCluster } from '../services/kafka.js';
import { KafkaBroker } from '../services/kafka-broker.js';
import { until } from '../services/ports.js';
import { ServiceProcess } from './service-process.js';

/** Milliseconds for what is under way to be done, also on a busy machine. */
const patienceMs = 90_000;
const payments = 4_000;

describe('sales-totals', () => {
  let broker: KafkaBroker;
  let cluster: KafkaCluster;
  let service: ServiceProcess;

  beforeAll(async () => {
    broker = await KafkaBroker.start();
    cluster = new KafkaCluster([broker.address], async () => undefined);
    for (const topic of ['payments', 'sales', 'payments.dead-letters'])
      await cluster.createNamedTopic(topic, 2);
    service = await ServiceProcess.start('sales-totals', { KAFKA_BROKERS: broker.address });
  }, patienceMs);

  afterAll(async () => {
    await service?.remove();
    await broker?.stop();
  });

  it(
    'records each payment once, killed in the middle again and again',
    async () => {
      await until('it is healthy', async () => (await service.get('/health'))?.status === 200, patienceMs);
      const orders = Array.from({ length: payments }, () => randomUUID());
      const behind = async () => {
        const [ends, done] = [await cluster.ends('payments'), await committed()];
        return [...ends].reduce(
          (sum, [partition, end]) => sum + Number(end - (done.get(partition) ?? 0n)),
          0,
        );
      };
      const left: number[] = [];

      for (let round = 0; round < 4; round++) {
        await produce(orders.slice((round * payments) / 4, ((round + 1) * payments) / 4));
        await until('it has begun', async () => (await behind()) < payments / 4, patienceMs);
        await service.kill();
        left.push(await behind());
        await service.start();
        await until('all is recorded', async () => (await behind()) === 0, patienceMs);
      }

      const records = await cluster.dump('sales', { isolation: 'read_committed' });
      const sales = records.map(({ value }) => JSON.parse(value!));
      expect(sales.map(({ orderId }) => orderId).sort()).toEqual([...orders].sort());
      expect(sales[0]).toEqual({ orderId: expect.any(String), euros: '12.50', day: '2026-03-01' });
      expect(records[0]).toMatchObject({ key: '2026-03-01', headers: { ce_type: 'sale.recorded' } });
      expect(Math.max(...left)).toBeGreaterThan(0); // it was killed before it was done
      expect((await service.get('/health'))?.status).toBe(200);
    },
    4 * patienceMs,
  );

  async function committed(): Promise<Map<number, bigint>> {
    const found = await cluster.committed('sales-totals', 'payments').catch(() => new Map<number, bigint>()); // it loads yet
    return new Map([...found].filter(([, offset]) => offset >= 0n));
  }

  async function produce(orders: readonly string[]): Promise<void> {
    const producer = cluster.client.producer();
    await producer.connect();
    const messages = orders.map((orderId) => ({
      key: orderId,
      value: JSON.stringify({ orderId, cents: 1_250, chargeId: 'c' }),
      headers: {
        ce_specversion: '1.0',
        ce_id: randomUUID(),
        ce_source: 'payments',
        ce_type: 'payment.captured',
        ce_time: '2026-03-01T12:00:00Z',
      },
    }));
    await producer.send({ topic: 'payments', messages });
    await producer.disconnect();
  }
});
