/**
 * Makes an instance of the event's class from a decoded body, and checks its class-validator rules. Step 5 of an
 * event's life, for batch handlers before step 4. A user's own ValidationPipe gets the instance afterwards and works
 * as ever; arrays, of batch handlers, it passes on as they are.
 */
import { ExactlyOnceError } from '@exactly-once/core';
import { HttpException } from '@nestjs/common';
import { plainToInstance } from 'class-transformer';
import { type ValidationError, validate } from 'class-validator';
import type { EventClass } from './event-type.decorator.js';

/** The instance, or a promise of it. Fails with EO_VALIDATION_FAILED. Without a class the data is taken as it is. */
export function validatePayload(data: unknown, eventClass: EventClass | null): unknown {
  if (eventClass === null) return data;
  if (typeof data !== 'object' || data === null || Array.isArray(data)) {
    throw new ExactlyOnceError('EO_VALIDATION_FAILED', `the body of a ${eventClass.name} is no object`);
  }
  const instance = plainToInstance(eventClass as new () => object, data);
  return validate(instance, { forbidUnknownValues: false }).then((errors) => {
    assertValid(errors, eventClass);
    return instance;
  });
}

function assertValid(errors: readonly ValidationError[], eventClass: EventClass): void {
  if (errors.length === 0) return;
  throw new ExactlyOnceError(
    'EO_VALIDATION_FAILED',
    `a ${eventClass.name} has ${describe(errors).join('; ')}`,
    {
      details: { fields: errors.map((error) => error.property) },
    },
  );
}

/** What a pipe threw, as the framework's own error where it says that the payload is wrong. */
export function asValidationFailure(error: unknown): unknown {
  if (!(error instanceof HttpException)) return error;
  const status = error.getStatus();
  if (status !== 400 && status !== 422) return error;
  const response = error.getResponse();
  const text =
    typeof response === 'string' ? response : JSON.stringify((response as { message?: unknown }).message);
  return new ExactlyOnceError('EO_VALIDATION_FAILED', text ?? error.message, { cause: error });
}

/** Rules that were broken, by path; never the values. */
function describe(errors: readonly ValidationError[], path = ''): string[] {
  return errors.flatMap((error) => {
    const own = Object.keys(error.constraints ?? {}).map((rule) => `${path}${error.property}: ${rule}`);
    return [...own, ...describe(error.children ?? [], `${path}${error.property}.`)];
  });
}
