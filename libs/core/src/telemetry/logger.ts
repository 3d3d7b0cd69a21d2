import { withoutSecrets } from '../errors/without-secrets.js';

/** Where core and adapters report to people. Bound to Nest's logger by the module; silent by default. */
export interface Logger {
  error(message: string, error?: unknown): void;
  warn(message: string): void;
  info(message: string): void;
  debug(message: string): void;
}

/** Hands everything on without the secrets of the configuration. */
export function discreetLogger(logger: Logger): Logger {
  return {
    error: (message, error) => logger.error(withoutSecrets(message), error),
    warn: (message) => logger.warn(withoutSecrets(message)),
    info: (message) => logger.info(withoutSecrets(message)),
    debug: (message) => logger.debug(withoutSecrets(message)),
  };
}

export const silentLogger: Logger = {
  error() {},
  warn() {},
  info() {},
  debug() {},
};
