/**
 * An application that looks at dead letters and does nothing else: what `npx exactly-once dead-letters replay --dry-run`
 * makes of a user's module.
 *
 * Its handlers are connected, so that pipes, guards and interceptors run, but nothing is consumed, relayed or forgotten.
 */
import { AmbientValue, ExactlyOnceError } from '@exactly-once/core';
import type { Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { DeadLetters } from './dead-letters.service.js';
import { exactlyOnce } from './exactly-once.server.js';
import { deadLettersToken, defaultInstance } from './tokens.js';

const dryRunsOnly = new AmbientValue<boolean>();

/** Whether the application that is being made is one for dry runs. */
export function isForDryRuns(): boolean {
  return dryRunsOnly.current() === true;
}

export interface DryRunApplication {
  readonly deadLetters: DeadLetters;
  close(): Promise<void>;
}

/**
 * Starts the module as a microservice whose instances are idle; to be closed by the caller. Rejects where the module
 * has no such instance. Its other providers start as ever: what a module begins at its start is begun.
 */
export async function dryRunApplication(
  module: Type,
  instance: string = defaultInstance,
): Promise<DryRunApplication> {
  const app = await dryRunsOnly.run(true, () =>
    NestFactory.createMicroservice(module, { ...exactlyOnce(), logger: false, abortOnError: false }),
  );
  try {
    await app.listen();
    return { deadLetters: deadLettersOf(app, instance), close: () => app.close() };
  } catch (error) {
    await app.close();
    throw error;
  }
}

function deadLettersOf(
  app: { get(token: unknown, options: object): DeadLetters },
  instance: string,
): DeadLetters {
  try {
    return app.get(deadLettersToken(instance), { strict: false });
  } catch (cause) {
    const what = `the module has no instance "${instance}" of ExactlyOnceModule`;
    throw new ExactlyOnceError('EO_OPTION_INVALID', what, { cause });
  }
}
