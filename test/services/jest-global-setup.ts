/**
 * Finds or starts the services once for a run of the e2e tests, and tells the tests where they are.
 *
 * Without RabbitMQ the run begins all the same: the test that needs it then fails, and lists the choices.
 */
import { findServices } from './services.js';

export default async function setup(): Promise<void> {
  const services = await findServices();
  const rabbitmq = await services.rabbitmq().catch(() => null);
  process.env['EO_POSTGRES_URL'] = services.postgres.base;
  process.env['EO_KAFKA_BROKERS'] = services.kafka.brokers.join(',');
  if (rabbitmq !== null) process.env['EO_RABBITMQ_URL'] = rabbitmq.url;
  (globalThis as { stopServices?: () => Promise<void> }).stopServices = () => services.stop();
}
