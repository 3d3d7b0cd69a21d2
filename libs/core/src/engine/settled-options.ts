/**
 * An engine's options with the defaults filled in, once they were checked. Opens and changes nothing.
 */
import { type Clock, systemClock } from '../clock.js';
import { ExactlyOnceError } from '../errors/exactly-once-error.js';
import { type EventCodec, jsonCodec } from '../event/event-codec.js';
import type { EventTypeDescriptor } from '../event/event-type.js';
import { AmbientScope } from '../storage/ambient-scope.js';
import type { Storage } from '../storage/storage.js';
import type { IsolationLevel } from '../storage/transaction.js';
import { discreetLogger, type Logger, silentLogger } from '../telemetry/logger.js';
import { noTelemetry, type Telemetry } from '../telemetry/telemetry.js';
import type {
  EngineOptions,
  ForeignHandlerDefinition,
  RelayOptions,
  RetentionOptions,
} from './engine-options.js';
import { checkEngineOptions, defaultWindowDays } from './engine-options-check.js';
import { checkHandlers, typesByName } from './handler-options-check.js';

export type SettledRelay = Required<RelayOptions>;

export interface SettledOptions extends EngineOptions {
  /** The database; where there is none, the broker's transactions. */
  readonly storage: Storage;
  readonly hasDatabase: boolean;
  /** For handlers with `transaction: 'kafka'`; `null` where there are none. */
  readonly transactions: Storage | null;
  readonly group: string;
  readonly codec: EventCodec;
  readonly logger: Logger;
  readonly telemetry: Telemetry;
  readonly clock: Clock;
  readonly random: () => number;
  readonly shutdownMs: number;
  readonly dedupCacheSize: number;
  readonly foreignHandlers: readonly ForeignHandlerDefinition[];
  readonly settledBatch: {
    readonly maxEvents: number;
    readonly maxBytes: number;
    readonly maxOpenMs: number;
    readonly isolation: IsolationLevel;
  };
  readonly settledRelay: SettledRelay | null;
  readonly settledRetention: Required<RetentionOptions> | null;
  readonly typesByName: ReadonlyMap<string, EventTypeDescriptor>;
}

/** Throws EO_OPTION_UNKNOWN, EO_OPTION_INVALID, EO_OPTION_MISSING, EO_HANDLER_DUPLICATE, EO_EVENT_TYPE_MISSING. */
export function settleOptions(options: EngineOptions): SettledOptions {
  checkEngineOptions(options);
  const types = typesByName(options.types);
  checkHandlers(options, types);
  const { batch = {}, relay = {}, retention = {} } = options;
  const transactions = brokerTransactions(options);
  return {
    ...options,
    storage: options.storage ?? transactions ?? noStorage(),
    hasDatabase: options.storage !== undefined,
    transactions,
    group: options.group ?? options.service,
    codec: options.codec ?? jsonCodec,
    logger: discreetLogger(options.logger ?? silentLogger),
    telemetry: options.telemetry ?? noTelemetry,
    clock: options.clock ?? systemClock,
    random: options.random ?? Math.random,
    shutdownMs: options.shutdownMs ?? 10_000,
    dedupCacheSize: options.dedupCacheSize ?? 10_000,
    foreignHandlers: options.foreignHandlers ?? [],
    settledBatch: {
      maxEvents: batch.maxEvents ?? 500,
      maxBytes: batch.maxBytes ?? 4_194_304,
      maxOpenMs: batch.maxOpenMs ?? 50,
      isolation: batch.isolation ?? 'READ COMMITTED',
    },
    settledRelay:
      relay === false || options.broker === null || options.storage === undefined
        ? null
        : {
            batchSize: relay.batchSize ?? 500,
            maxBytes: relay.maxBytes ?? 1_000_000,
            leaseMs: relay.leaseMs ?? 10_000,
            maxPollMs: relay.maxPollMs ?? 2_000,
            holdBackMs: relay.holdBackMs ?? 1_000,
            archiveMs: relay.archiveMs ?? 0,
            transactional: relay.transactional ?? false,
          },
    settledRetention:
      retention === false || options.storage === undefined
        ? null
        : {
            windowDays: retention.windowDays ?? defaultWindowDays,
            batchSize: retention.batchSize ?? 5_000,
            intervalMs: retention.intervalMs ?? 60_000,
            unrelayedMs: retention.unrelayedMs ?? null,
            decidedDays: retention.decidedDays ?? 30,
          },
    typesByName: types,
  };
}

/** Code of all handlers runs in scopes of one kind, so that none takes another's transaction for its own. */
function brokerTransactions({ broker, handlers, storage }: EngineOptions): Storage | null {
  if (!handlers.some(({ transaction }) => transaction === 'kafka')) return null;
  return broker?.transactions?.(storage?.ambient ?? new AmbientScope()) ?? null;
}

function noStorage(): never {
  throw new ExactlyOnceError('EO_OPTION_MISSING', 'the engine has no `storage`');
}
