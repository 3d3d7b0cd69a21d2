/**
 * Why a delivered event was not handled, for the test that delivered it.
 *
 * Never takes the place of the handler's own error, which is its cause.
 */
import { type DeadLetter, errorChain } from '@exactly-once/core';

/** `waiting`: it is tried again when its time has come. `dead-lettered`: it was given up. `stopped`: nothing goes on. */
export type DeliveryFate = 'waiting' | 'dead-lettered' | 'stopped' | 'unhandled';

/** What `deliver` rejects with; `cause` is the handler's own error. */
export class DeliveryFailed extends Error {
  constructor(
    readonly fate: DeliveryFate,
    what: string,
    cause?: unknown,
  ) {
    super(cause === undefined ? what : `${what}: ${errorChain(cause).join(' <- ')}`, { cause });
    this.name = 'DeliveryFailed';
  }
}

export function givenUp({ handler, code, errorChain: chain }: DeadLetter, cause: unknown): DeliveryFailed {
  const what = `${handler ?? 'nobody'} gave the event up (${code}); deadLetters() has it`;
  return new DeliveryFailed('dead-lettered', what, cause ?? new Error(chain.join(' <- ')));
}
