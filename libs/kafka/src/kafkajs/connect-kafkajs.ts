/**
 * The client of an application: a kafkajs client of its own, or one made of its configuration.
 *
 * Opens no connection: whoever uses the client does.
 */
import { type BrokerContext, hideSecretsOf } from '@exactly-once/core';
import kafkajs from 'kafkajs';
import type { KafkaClient } from '../kafka-client.js';
import { readHeadersInOnePass } from './header-reading.js';
import { KafkajsClient } from './kafkajs-client.js';
import { kafkajsLogging } from './kafkajs-logging.js';
import { isClient, type KafkajsOptions } from './kafkajs-options.js';

const { Kafka } = kafkajs;

export function kafkajsClient(
  { client, consumer, producer }: KafkajsOptions,
  { service, logger }: BrokerContext,
): KafkaClient {
  if (!readHeadersInOnePass()) {
    logger.warn(
      'this kafkajs reads headers in its own way: a record with thousands may hold the consumer up',
    );
  }
  if (!isClient(client)) hideSecretsOf(client);
  const clientId = service.replace(/[^A-Za-z0-9._-]/g, '-');
  const kafka = isClient(client) ? client : new Kafka({ clientId, ...kafkajsLogging(logger), ...client });
  const { maxRequestBytes: _, ...producerConfig } = producer ?? {}; // ours
  return new KafkajsClient({ kafka, consumer: { ...consumer }, producer: producerConfig });
}
