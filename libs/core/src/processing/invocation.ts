/**
 * One call of a handler, for one event or a batch of them: the source of the ids of what it publishes.
 *
 * Made anew for each call, so that a repeated call counts its publications from the start and gives them the same
 * ids: the ordinal counts within one cause, whoever shares the call with it.
 */
import { ExactlyOnceError } from '../errors/exactly-once-error.js';
import type { KnownHandler } from '../inbox/handler-store.js';
import type { EventContext } from './event-context.js';

export class Invocation {
  readonly #ordinals = new Map<EventContext, Map<string, number>>();

  constructor(
    readonly handler: KnownHandler,
    /** At least one, in the order of the events. */
    readonly contexts: readonly EventContext[],
    readonly batch: boolean,
  ) {}

  /**
   * Which event causes a publication: the one that is `given`, else the only one. Throws EO_CAUSE_REQUIRED in a batch
   * handler that names none (also where its batch is of one), EO_OPTION_INVALID for a context of another call.
   */
  cause(given: EventContext | undefined): EventContext {
    const { name } = this.handler;
    if (given !== undefined) {
      if (this.contexts.includes(given)) return given;
      throw new ExactlyOnceError(
        'EO_OPTION_INVALID',
        `causedBy is no context of this call of handler ${name}`,
      );
    }
    if (!this.batch) return this.contexts[0]!;
    throw new ExactlyOnceError('EO_CAUSE_REQUIRED', `batch handler ${name} published without causedBy`);
  }

  /** How many events of this type and key that event caused before in this call. */
  nextOrdinal(cause: EventContext, type: string, key: string | null): number {
    const ordinals = this.#ordinals.get(cause) ?? new Map<string, number>();
    this.#ordinals.set(cause, ordinals);
    const slot = JSON.stringify([type, key]);
    const ordinal = ordinals.get(slot) ?? 0;
    ordinals.set(slot, ordinal + 1);
    return ordinal;
  }
}
