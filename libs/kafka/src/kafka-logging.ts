/** Binds kafkajs's logging to ours, a level lower: what it calls an error is often only a retry. */
import type { Logger } from '@exactly-once/core';
import kafkajs, { type KafkaConfig } from 'kafkajs';

const { logLevel } = kafkajs;

export function kafkaLogging(logger: Logger): Pick<KafkaConfig, 'logCreator' | 'logLevel'> {
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
