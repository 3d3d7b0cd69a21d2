/**
 * Binds kafkajs's logging to ours. Every step of an event's life meets it.
 *
 * A level lower: what kafkajs calls an error is often only a retry. Never says more than kafkajs did.
 */
import type { Logger } from '@exactly-once/core';
import kafkajs, { type KafkaConfig } from 'kafkajs';

const { logLevel } = kafkajs;

export function kafkajsLogging(logger: Logger): Pick<KafkaConfig, 'logCreator' | 'logLevel'> {
  return {
    logLevel: logLevel.INFO,
    logCreator: () => (entry) => {
      const { message, error } = entry.log as { message: string; error?: unknown };
      const line = `kafkajs ${entry.namespace}: ${message}${error === undefined ? '' : ` (${String(error)})`}`;
      if (entry.level <= logLevel.ERROR) logger.warn(line);
      else logger.debug(line);
    },
  };
}
