/**
 * Checks an engine's options and fills in the defaults. Throws before anything is opened or changed.
 */
import { type Clock, systemClock } from '../clock.js';
import { ExactlyOnceError } from '../errors/exactly-once-error.js';
import { type EventCodec, jsonCodec } from '../event/event-codec.js';
import type { EventTypeDescriptor } from '../event/event-type.js';
import type { IsolationLevel } from '../storage/transaction.js';
import { type Logger, silentLogger } from '../telemetry/logger.js';
import { noTelemetry, type Telemetry } from '../telemetry/telemetry.js';
import type {
  EngineOptions,
  ForeignHandlerDefinition,
  RelayOptions,
  RetentionOptions,
} from './engine-options.js';
import { checkChoice, checkNumber, checkOptions } from './options-check.js';

const known = [
  'service',
  'group',
  'serviceVersion',
  'storage',
  'broker',
  'handlers',
  'foreignHandlers',
  'types',
  'unhandled',
  'retiredHandlers',
  'startFrom',
  'codec',
  'foreignTopics',
  'retry',
  'batch',
  'dedupCacheSize',
  'relay',
  'retention',
  'shutdownMs',
  'logger',
  'telemetry',
  'clock',
  'random',
];
const longestTimerMs = 2_147_483_647;

export interface SettledOptions extends EngineOptions {
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
  readonly settledRelay: Required<RelayOptions> | null;
  readonly settledRetention: Required<RetentionOptions> | null;
  readonly typesByName: ReadonlyMap<string, EventTypeDescriptor>;
}

/** Throws EO_OPTION_UNKNOWN, EO_OPTION_INVALID, EO_OPTION_MISSING, EO_HANDLER_DUPLICATE, EO_EVENT_TYPE_MISSING. */
export function settleOptions(options: EngineOptions): SettledOptions {
  checkOptions('the engine', options, known);
  checkScalars(options);
  checkHandlers(options);
  const { batch = {}, relay = {}, retention = {} } = options;
  return {
    ...options,
    group: options.group ?? options.service,
    codec: options.codec ?? jsonCodec,
    logger: options.logger ?? silentLogger,
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
      relay === false || options.broker === null
        ? null
        : {
            batchSize: relay.batchSize ?? 500,
            leaseMs: relay.leaseMs ?? 10_000,
            maxPollMs: relay.maxPollMs ?? 1_000,
          },
    settledRetention:
      retention === false
        ? null
        : {
            windowDays: retention.windowDays ?? 7,
            batchSize: retention.batchSize ?? 5_000,
            intervalMs: retention.intervalMs ?? 60_000,
          },
    typesByName: typesByName(options.types),
  };
}

function checkScalars(options: EngineOptions): void {
  if (typeof options.service !== 'string' || options.service.trim() === '') {
    throw new ExactlyOnceError('EO_OPTION_MISSING', 'the engine has no `service`');
  }
  if (options.unhandled === undefined) {
    const choices = "'skip', 'dead-letter' or 'stop'";
    throw new ExactlyOnceError(
      'EO_OPTION_MISSING',
      `\`unhandled\` is not said: ${choices} for types without a handler`,
    );
  }
  checkChoice('unhandled', options.unhandled, ['skip', 'dead-letter', 'stop']);
  checkNumber('dedupCacheSize', options.dedupCacheSize, 0, 10_000_000);
  checkNumber('shutdownMs', options.shutdownMs, 0, longestTimerMs);
  checkRetry('retry', options.retry);
  const { batch = {}, relay = {}, retention = {} } = options;
  checkOptions('batch', batch, ['maxEvents', 'maxBytes', 'maxOpenMs', 'isolation']);
  checkNumber('batch.maxEvents', batch.maxEvents, 1, 10_000);
  checkNumber('batch.maxBytes', batch.maxBytes, 1, Number.MAX_SAFE_INTEGER);
  checkNumber('batch.maxOpenMs', batch.maxOpenMs, 1, longestTimerMs);
  checkChoice('batch.isolation', batch.isolation, ['READ COMMITTED', 'REPEATABLE READ', 'SERIALIZABLE']);
  if (relay !== false) {
    checkOptions('relay', relay, ['batchSize', 'leaseMs', 'maxPollMs']);
    checkNumber('relay.batchSize', relay.batchSize, 1, 10_000);
    checkNumber('relay.leaseMs', relay.leaseMs, 1_000, longestTimerMs);
    checkNumber('relay.maxPollMs', relay.maxPollMs, 10, longestTimerMs);
  }
  if (retention !== false) {
    checkOptions('retention', retention, ['windowDays', 'batchSize', 'intervalMs']);
    checkNumber('retention.windowDays', retention.windowDays, Number.MIN_VALUE, 36_500, false);
    checkNumber('retention.batchSize', retention.batchSize, 1, 1_000_000);
    checkNumber('retention.intervalMs', retention.intervalMs, 1_000, longestTimerMs);
  }
  for (const [topic, from] of Object.entries(options.startFrom ?? {})) {
    checkChoice(`startFrom of topic "${topic}"`, from, ['earliest', 'latest']);
  }
}

function checkHandlers(options: EngineOptions): void {
  const names = new Set<string>();
  const types = typesByName(options.types);
  const foreign = options.foreignHandlers ?? [];
  for (const handler of [...options.handlers, ...foreign]) {
    if (names.has(handler.name)) {
      throw new ExactlyOnceError('EO_HANDLER_DUPLICATE', `two handlers are named "${handler.name}"`);
    }
    names.add(handler.name);
    checkChoice(`commit of ${handler.name}`, handler.commit, ['batch', 'event']);
    checkNumber(`timeoutMs of ${handler.name}`, handler.timeoutMs, 1, longestTimerMs);
    checkRetry(`retry of ${handler.name}`, handler.retry);
  }
  for (const { name, type } of options.handlers) {
    if (types.has(type)) continue;
    throw new ExactlyOnceError(
      'EO_EVENT_TYPE_MISSING',
      `handler ${name} is for type "${type}", of which no topic is known`,
    );
  }
}

function checkRetry(where: string, retry: EngineOptions['retry']): void {
  if (retry === undefined) return;
  checkOptions(where, retry, ['attempts', 'backoffMs', 'maxBackoffMs']);
  checkNumber(`${where}.attempts`, retry.attempts, 1, 1_000_000);
  checkNumber(`${where}.backoffMs`, retry.backoffMs, 0, longestTimerMs);
  checkNumber(`${where}.maxBackoffMs`, retry.maxBackoffMs, 0, longestTimerMs);
}

function typesByName(types: readonly EventTypeDescriptor[]): Map<string, EventTypeDescriptor> {
  const byName = new Map<string, EventTypeDescriptor>();
  for (const descriptor of types) {
    const other = byName.get(descriptor.type);
    if (other !== undefined && (other.topic !== descriptor.topic || other.version !== descriptor.version)) {
      const what = `type "${descriptor.type}" is declared twice, with different topics or versions`;
      throw new ExactlyOnceError('EO_OPTION_INVALID', what);
    }
    byName.set(descriptor.type, descriptor);
  }
  return byName;
}
