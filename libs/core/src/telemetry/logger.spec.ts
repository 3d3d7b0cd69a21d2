import { describe, expect, it } from '@jest/globals';
import { hideSecretsOf } from '../errors/without-secrets.js';
import { discreetLogger, type Logger } from './logger.js';

describe('the log of an engine', () => {
  it('says everything but the secrets of the configuration', () => {
    const lines: string[] = [];
    const keep = (line: string) => void lines.push(line);
    const logger: Logger = discreetLogger({ error: keep, warn: keep, info: keep, debug: keep });
    hideSecretsOf({ sasl: { password: 'hush-hush' } });

    for (const level of ['error', 'warn', 'info', 'debug'] as const)
      logger[level](`${level}: hush-hush is wrong`);

    expect(lines).toEqual(['error', 'warn', 'info', 'debug'].map((level) => `${level}: *** is wrong`));
  });
});
