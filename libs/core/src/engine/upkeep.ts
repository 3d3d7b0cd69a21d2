/**
 * What runs beside the events of an engine: retention, the outbox's depth, what is parked, and questions to database and broker.
 *
 * None of it touches an event; health tells what each of them found.
 */
import { retryPolicy } from '../failure/failure-policy.js';
import { ParkWatch } from '../failure/park-watch.js';
import { OutboxWatch } from '../relay/outbox-watch.js';
import { type Forgetful, Retention } from '../retention/retention.js';
import { WindowCheck } from '../retention/window-check.js';
import type { Background } from './background.js';
import { type PartHealth, partHealth, upWithNote } from './engine-health.js';
import { dayMs } from './engine-options-check.js';
import { PortWatch } from './port-watch.js';
import type { SettledOptions } from './settled-options.js';

export class Upkeep {
  readonly #background: Background;
  readonly #hasDatabase: boolean;
  readonly #storage: PortWatch;
  readonly #broker: PortWatch | null;
  readonly #retention: Retention | null;
  readonly #window: WindowCheck | null;
  readonly #outbox: OutboxWatch | null;
  readonly #parked: ParkWatch | null;

  constructor(options: SettledOptions, background: Background) {
    const { storage, broker, settledRelay, settledRetention, clock, logger, telemetry } = options;
    this.#background = background;
    this.#hasDatabase = options.hasDatabase;
    this.#storage = new PortWatch({ what: 'storage', ping: () => storage.ping(), clock, logger });
    this.#broker =
      broker === null ? null : new PortWatch({ what: 'broker', ping: () => broker.ping(), clock, logger });
    this.#retention =
      settledRetention === null
        ? null
        : new Retention({
            forgetful: forgetful(options, settledRetention),
            clock,
            logger,
            ...settledRetention,
            windowMs: settledRetention.windowDays * dayMs,
          });
    this.#window =
      settledRetention === null ? null : windowCheck(options, settledRetention.windowDays * dayMs);
    const parts = { outbox: storage.outbox, clock, logger, telemetry };
    this.#outbox = settledRelay === null ? null : new OutboxWatch(parts);
    this.#parked = options.hasDatabase
      ? new ParkWatch({ parked: storage.parked, clock, logger, telemetry })
      : null;
  }

  start(signal: AbortSignal): void {
    if (this.#hasDatabase) this.#background.keep('storage', this.#storage.run(signal));
    if (this.#broker !== null) this.#background.keep('broker', this.#broker.run(signal));
    if (this.#retention !== null) this.#background.keep('retention', this.#retention.run(signal));
    if (this.#window !== null) this.#background.keep('window', this.#window.run(signal));
    if (this.#outbox !== null) this.#background.keep('outbox', this.#outbox.run(signal));
    if (this.#parked !== null) this.#background.keep('parked', this.#parked.run(signal));
  }

  /** `notReady`: why the storage was not opened. */
  health(notReady: string | null): Record<string, PartHealth> {
    const parts: Record<string, PartHealth> = this.#hasDatabase
      ? { storage: partHealth(notReady ?? this.#storage.trouble()) }
      : { engine: partHealth(notReady) };
    if (this.#broker !== null) parts['broker'] = partHealth(this.#broker.trouble());
    if (this.#retention !== null) parts['retention'] = upWithNote(this.#retention.trouble());
    if (this.#outbox !== null) parts['outbox'] = upWithNote(this.#outbox.note());
    if (this.#parked !== null) parts['parked'] = upWithNote(this.#parked.note());
    return parts;
  }
}

/** Handlers whose events commit at the broker alone have no window. */
function windowCheck(options: SettledOptions, windowMs: number): WindowCheck {
  const { handlers, foreignHandlers, typesByName, retry = {}, broker, storage } = options;
  const { clock, random, logger } = options;
  const own = handlers.filter(({ transaction }) => transaction !== 'kafka');
  const topics = own
    .filter(({ dedup }) => dedup !== 'offset')
    .map(({ type }) => typesByName.get(type)!.topic);
  const asked = [...new Set(topics)];
  const retries = [...own, ...foreignHandlers].map(
    (one) => [one.name, retryPolicy(one.retry ?? {}, retry)] as const,
  );
  return new WindowCheck({
    ...{ windowMs, clock, random, logger, retries: new Map(retries) },
    topics: async () =>
      asked.length === 0 ? new Map() : ((await broker?.retentionOf?.(asked)) ?? new Map()),
    deadLetters: (toMs) => storage.deadLetters.count({ state: 'dead', toMs }),
    parked: (beforeMs) => storage.parked.count({ beforeMs }),
  });
}

/** The window of the deduplication is for the first two; the others have times of their own. */
function forgetful(
  { storage }: SettledOptions,
  { unrelayedMs, decidedDays }: NonNullable<SettledOptions['settledRetention']>,
): Forgetful[] {
  const { inbox, log, outbox, deadLetters } = storage;
  const archive: Forgetful = { deleteOlderThan: (_, limit) => outbox.archive.deleteExpired(limit) };
  const decided: Forgetful = {
    deleteOlderThan: (_, limit) => deadLetters.deleteDecided(decidedDays * dayMs, limit),
  };
  if (unrelayedMs === null) return [inbox, log, archive, decided];
  const unrelayed: Forgetful = { deleteOlderThan: (_, limit) => outbox.deleteUnrelayed(unrelayedMs, limit) };
  return [inbox, log, archive, decided, unrelayed];
}
