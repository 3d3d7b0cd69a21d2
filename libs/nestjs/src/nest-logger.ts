/** Binds the framework's log to Nest's. */
import type { Logger } from '@exactly-once/core';
import { Logger as NestLogger } from '@nestjs/common';

export function nestLogger(service: string): Logger {
  const logger = new NestLogger(`ExactlyOnce:${service}`);
  return {
    error: (message, error) => logger.error(message, error instanceof Error ? error.stack : undefined),
    warn: (message) => logger.warn(message),
    info: (message) => logger.log(message),
    debug: (message) => logger.debug(message),
  };
}
