/**
 * Runs the steps of a shutdown, one after another: every one of them, whatever the ones before it came to.
 *
 * A step that is left out leaves a connection open, and with it the process.
 */
import { errorChain } from '../errors/exactly-once-error.js';

type Step = () => Promise<unknown> | undefined;

/** What stands in one row runs at the same time. Throws an AggregateError of all that failed. */
export async function stopInSteps(...rows: readonly (readonly Step[])[]): Promise<void> {
  const errors: unknown[] = [];
  for (const row of rows) {
    const results = await Promise.allSettled(row.map(async (step) => step()));
    for (const result of results) {
      if (result.status === 'rejected') errors.push(...flattened(result.reason));
    }
  }
  if (errors.length === 0) return;
  const why = errors.map((error) => errorChain(error).join(' <- ')).join('; ');
  throw new AggregateError(errors, `the engine has stopped, but not in order: ${why}`);
}

function flattened(error: unknown): readonly unknown[] {
  return error instanceof AggregateError ? error.errors : [error];
}
