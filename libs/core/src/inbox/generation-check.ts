/**
 * Compares the generations of this process's handlers with the database's, once for each claim of a partition. Before
 * step 4 of an event's life.
 *
 * A process that registered before a rewind, and reads after it, would take a new generation's events for duplicates.
 * It never goes on with an old one: it stops, for a restart.
 */
import type { FenceClaim } from '../broker/broker.js';
import type { Clock } from '../clock.js';
import { ExactlyOnceError, errorChain } from '../errors/exactly-once-error.js';
import { backoffMs, defaultRetryPolicy } from '../failure/failure-policy.js';
import type { Logger } from '../telemetry/logger.js';
import type { HandlerStore, KnownHandler } from './handler-store.js';

export interface GenerationCheckParts {
  readonly handlers: Pick<HandlerStore, 'ofGroup'>;
  readonly group: string;
  /** As this process registered them. */
  readonly known: readonly KnownHandler[];
  readonly clock: Clock;
  readonly logger: Logger;
  readonly random: () => number;
}

export class GenerationCheck {
  readonly #parts: GenerationCheckParts;
  readonly #passed = new WeakSet<FenceClaim>();

  constructor(parts: GenerationCheckParts) {
    this.#parts = parts;
  }

  /**
   * Throws EO_STOPPED where a handler has another generation by now. Asks again while the database does not answer, until
   * `draining` aborts.
   */
  async ofClaim(claim: FenceClaim | null, draining: AbortSignal): Promise<void> {
    if (claim === null || this.#passed.has(claim)) return;
    const { clock, logger, random } = this.#parts;
    for (let failures = 1; !draining.aborted; failures++) {
      const stale = await this.#stale().catch((error: unknown) => {
        logger.warn(`the handlers' generations are not known: ${errorChain(error).join(' <- ')}`);
        return undefined;
      });
      if (stale === null) this.#passed.add(claim);
      if (stale === null) return;
      if (stale !== undefined) throw stale;
      await clock.sleep(backoffMs(defaultRetryPolicy, failures, random), draining);
    }
  }

  /** Throws EO_STOPPED where a handler has another generation by now, and what the storage throws. */
  async now(): Promise<void> {
    const stale = await this.#stale();
    if (stale !== null) throw stale;
  }

  /** Handlers that are retired there, by a newer version of the service, have their generation still. */
  async #stale(): Promise<ExactlyOnceError | null> {
    const { handlers, group, known } = this.#parts;
    const byId = new Map((await handlers.ofGroup(group)).map((one) => [one.id, one.generation]));
    const old = known.find(({ id, generation }) => (byId.get(id) ?? generation) !== generation);
    if (old === undefined) return null;
    const [own, now] = [old.generation, byId.get(old.id)];
    const what = `${old.name} was rewound to generation ${now} after this process had begun with generation ${own}`;
    return new ExactlyOnceError(
      'EO_STOPPED',
      `${what}: restart this process, nothing is handled until then`,
      {
        details: { handler: old.name, generation: own, recorded: now },
      },
    );
  }
}
