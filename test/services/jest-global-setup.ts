/** Finds or starts the services once for a run of the e2e tests, and tells the tests where they are. */
import { findKafka } from './kafka.js';
import { findPostgres } from './postgres.js';

export default async function setup(): Promise<void> {
  const [postgres, kafka] = await Promise.all([findPostgres(), findKafka()]);
  process.env['EO_POSTGRES_URL'] = postgres.base;
  process.env['EO_KAFKA_BROKERS'] = kafka.brokers.join(',');
  const state = globalThis as { stopServices?: () => Promise<void> };
  state.stopServices = async () => {
    await kafka.end();
    await postgres.stop();
  };
}
