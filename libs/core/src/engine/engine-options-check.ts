/**
 * Checks what an application says about the engine as a whole: names, bounds and sections. Runs at start only.
 *
 * Throws before anything is opened or changed; what is said about handlers and types is checked beside it.
 */
import { longestTimerMs } from '../clock.js';
import { ExactlyOnceError } from '../errors/exactly-once-error.js';
import { type RetryPolicy, retryPolicy } from '../failure/failure-policy.js';
import type { EngineOptions } from './engine-options.js';
import { checkChoice, checkFlag, checkNumber, checkOptions, checkText } from './options-check.js';

/** All that an engine can be told. What a module makes of its own is left out there. */
export const engineOptionNames: readonly string[] = [
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
  'order',
  'processKillers',
  'deadLetters',
  'batch',
  'dedupCacheSize',
  'relay',
  'retention',
  'idle',
  'shutdownMs',
  'logger',
  'telemetry',
  'clock',
  'random',
];
export const dayMs = 86_400_000;
export const defaultWindowDays = 7;
const leastWindowDays = 60_000 / dayMs;
const longestWindowDays = 36_500;

/** Throws EO_OPTION_UNKNOWN, EO_OPTION_INVALID, EO_OPTION_MISSING. */
export function checkEngineOptions(options: EngineOptions): void {
  checkOptions('the engine', options, engineOptionNames);
  if (typeof options.service !== 'string' || options.service.trim() === '') {
    throw new ExactlyOnceError('EO_OPTION_MISSING', 'the engine has no `service`');
  }
  if (options.unhandled === undefined) {
    const what = "`unhandled` is not said: 'skip', 'dead-letter' or 'stop' for types without a handler";
    throw new ExactlyOnceError('EO_OPTION_MISSING', what);
  }
  checkText('group', options.group);
  checkChoice('unhandled', options.unhandled, ['skip', 'dead-letter', 'stop']);
  checkChoice('processKillers', options.processKillers, ['park', 'dead-letter']);
  checkNumber('dedupCacheSize', options.dedupCacheSize, 0, 10_000_000);
  checkNumber('shutdownMs', options.shutdownMs, 0, longestTimerMs);
  checkDeadLetters(options.deadLetters);
  checkFlag('idle', options.idle);
  checkRetry('retry', options.retry);
  checkOrder('order', options.order);
  checkBatch(options.batch);
  checkRelay(options);
  checkRetention(options);
  checkMappings(options.foreignTopics);
}

export function checkOrder(where: string, order: EngineOptions['order']): void {
  checkChoice(where, order, ['key', 'partition', 'none']);
}

/** `above`: what the policy is laid over, and what it leaves out is taken from. */
export function checkRetry(
  where: string,
  retry: EngineOptions['retry'],
  above: Partial<RetryPolicy> = {},
): void {
  if (retry === undefined) return;
  checkOptions(where, retry, ['attempts', 'backoffMs', 'maxBackoffMs']);
  checkNumber(`${where}.attempts`, retry.attempts, 1, 1_000_000);
  checkNumber(`${where}.backoffMs`, retry.backoffMs, 0, longestTimerMs);
  checkNumber(`${where}.maxBackoffMs`, retry.maxBackoffMs, 0, longestTimerMs);
  const { backoffMs, maxBackoffMs } = retryPolicy(retry, above);
  if (backoffMs <= maxBackoffMs) return;
  const what = `${where}: backoffMs is ${backoffMs}, above maxBackoffMs, which is ${maxBackoffMs}; set both`;
  throw new ExactlyOnceError('EO_OPTION_INVALID', what);
}

function checkBatch(batch: EngineOptions['batch']): void {
  if (batch === undefined) return;
  checkOptions('batch', batch, ['maxEvents', 'maxBytes', 'maxOpenMs', 'isolation']);
  checkNumber('batch.maxEvents', batch.maxEvents, 1, 10_000);
  checkNumber('batch.maxBytes', batch.maxBytes, 1, Number.MAX_SAFE_INTEGER);
  checkNumber('batch.maxOpenMs', batch.maxOpenMs, 1, longestTimerMs);
  checkChoice('batch.isolation', batch.isolation, ['READ COMMITTED', 'REPEATABLE READ', 'SERIALIZABLE']);
}

function checkDeadLetters(deadLetters: EngineOptions['deadLetters']): void {
  if (deadLetters === undefined) return;
  checkOptions('deadLetters', deadLetters, ['redact', 'topic']);
  checkText('deadLetters.topic', deadLetters.topic);
  if (deadLetters.redact === undefined || typeof deadLetters.redact === 'function') return;
  throw new ExactlyOnceError('EO_OPTION_INVALID', '`deadLetters.redact` is no function');
}

function checkRelay({ relay, broker }: EngineOptions): void {
  if (relay === undefined || relay === false) return;
  const names = ['batchSize', 'maxBytes', 'leaseMs', 'maxPollMs', 'holdBackMs', 'archiveMs', 'transactional'];
  checkOptions('relay', relay, names);
  checkFlag('relay.transactional', relay.transactional);
  if (relay.transactional === true) checkTransactional(broker);
  checkNumber('relay.batchSize', relay.batchSize, 1, 10_000);
  checkNumber('relay.maxBytes', relay.maxBytes, 1, Number.MAX_SAFE_INTEGER);
  checkNumber('relay.leaseMs', relay.leaseMs, 1_000, longestTimerMs);
  checkNumber('relay.maxPollMs', relay.maxPollMs, 10, longestTimerMs);
  checkNumber('relay.holdBackMs', relay.holdBackMs, 0, longestTimerMs);
  checkNumber('relay.archiveMs', relay.archiveMs, 0, longestWindowDays * dayMs);
}

function checkTransactional(broker: EngineOptions['broker']): void {
  if (broker?.transactionalPublisher !== undefined) return;
  const why =
    broker === null
      ? 'nothing is relayed without a broker'
      : `the broker "${broker.name}" has no transactions to relay in`;
  throw new ExactlyOnceError('EO_OPTION_INVALID', `relay.transactional is true, but ${why}`);
}

function checkRetention({ retention, relay, broker }: EngineOptions): void {
  if (retention === undefined || retention === false) return;
  checkOptions('retention', retention, [
    'windowDays',
    'batchSize',
    'intervalMs',
    'unrelayedMs',
    'decidedDays',
  ]);
  checkNumber('retention.windowDays', retention.windowDays, leastWindowDays, longestWindowDays, false);
  checkNumber('retention.batchSize', retention.batchSize, 1, 1_000_000);
  checkNumber('retention.intervalMs', retention.intervalMs, 1_000, longestTimerMs);
  checkNumber('retention.decidedDays', retention.decidedDays, leastWindowDays, longestWindowDays, false);
  const { unrelayedMs } = retention;
  if (unrelayedMs === undefined || unrelayedMs === null) return;
  checkNumber('retention.unrelayedMs', unrelayedMs, 60_000, longestWindowDays * dayMs);
  if (relay === false || broker === null) return;
  const what =
    'retention.unrelayedMs deletes events that no relay sends, but this process relays: say `relay: false`';
  throw new ExactlyOnceError('EO_OPTION_INVALID', what);
}

function checkMappings(mappings: EngineOptions['foreignTopics']): void {
  if (mappings === undefined) return;
  for (const [topic, mapping] of Object.entries(mappings)) {
    const where = `foreignTopics of topic "${topic}"`;
    checkOptions(where, mapping, ['type', 'id', 'source']);
    checkText(`${where}: source`, mapping.source);
    if (typeof mapping.type === 'function') continue;
    if (mapping.type === undefined) throw new ExactlyOnceError('EO_OPTION_MISSING', `${where} has no type`);
    checkText(`${where}: type`, mapping.type);
  }
}
