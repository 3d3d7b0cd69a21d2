/**
 * What a client's errors mean, by protocol code and never by message text.
 */
import { ExactlyOnceError } from '@exactly-once/core';
import { ConnectionClosedError } from './kafka-client.js';

/** Protocol errors after which the same record would be refused for ever. */
const refusals = new Set([
  'MESSAGE_TOO_LARGE',
  'RECORD_LIST_TOO_LARGE',
  'INVALID_TOPIC_EXCEPTION',
  'INVALID_RECORD',
  'INVALID_TIMESTAMP',
]);

/** Conditions of a topic that somebody can mend: the events wait. */
const topicRemedies: Readonly<Record<string, string>> = {
  UNKNOWN_TOPIC_OR_PARTITION: 'create it',
  TOPIC_AUTHORIZATION_FAILED: 'allow this client to write to it',
  LEADER_NOT_AVAILABLE: 'bring the brokers of its replicas back',
  NOT_LEADER_FOR_PARTITION: 'bring the brokers of its replicas back',
  REPLICA_NOT_AVAILABLE: 'bring the brokers of its replicas back',
  NOT_ENOUGH_REPLICAS: 'bring its replicas back, or lower its min.insync.replicas',
  NOT_ENOUGH_REPLICAS_AFTER_APPEND: 'bring its replicas back, or lower its min.insync.replicas',
  REQUEST_TIMED_OUT: 'look at its leader and its replicas',
  KAFKA_STORAGE_ERROR: "look at its leader's disk",
  OPERATION_NOT_ATTEMPTED: 'look at the topics that were written to with it',
};

/** The coordinator of a transaction or of a group is elsewhere, or loads its state. */
const coordinatorMoves = new Set([
  'NOT_COORDINATOR_FOR_GROUP',
  'GROUP_COORDINATOR_NOT_AVAILABLE',
  'GROUP_LOAD_IN_PROGRESS',
  'COORDINATOR_LOAD_IN_PROGRESS',
  'COORDINATOR_NOT_AVAILABLE',
  'NOT_COORDINATOR',
]);

/** The protocol error's name, of an error or of what caused it; `null` where the broker did not answer. */
export function protocolType(error: unknown): string | null {
  let current: unknown = error;
  for (let depth = 0; depth < 10 && typeof current === 'object' && current !== null; depth++) {
    const { type, cause, originalError } = current as {
      type?: unknown;
      cause?: unknown;
      originalError?: unknown;
    };
    if (typeof type === 'string' && /^[A-Z_]+$/.test(type)) return type;
    current = cause ?? originalError;
  }
  return null;
}

/** Why the broker will never take these records; `null` where it may. */
export function refusalOf(error: unknown): string | null {
  const type = protocolType(error);
  return type !== null && refusals.has(type) ? type : null;
}

/** True where a topic is missing, closed to us or cannot be written now, whatever is sent there. */
export function isTopicCondition(error: unknown): boolean {
  return (protocolType(error) ?? '') in topicRemedies;
}

/** The broker, or something before it, closed the connection instead of answering. */
export function isConnectionClosed(error: unknown): boolean {
  let current: unknown = error;
  for (let depth = 0; depth < 10 && current instanceof Error; depth++) {
    if (current instanceof ConnectionClosedError) return true;
    current = current.cause;
  }
  return false;
}

/** Another producer has this transactional id now, or the coordinator has taken it away. */
export function isFenced(error: unknown): boolean {
  const type = protocolType(error) ?? '';
  return type === 'PRODUCER_FENCED' || type === 'INVALID_PRODUCER_EPOCH';
}

/** The coordinator still ends the transaction before, or is being found: the same again is right. */
export function isConcurrentTransaction(error: unknown): boolean {
  const type = protocolType(error) ?? '';
  return type === 'CONCURRENT_TRANSACTIONS' || coordinatorMoves.has(type);
}

/** Why the events of a topic wait, and what ends that. */
export function topicUnavailable(topic: string, error: unknown): ExactlyOnceError {
  const type = protocolType(error);
  const remedy = topicRemedies[type ?? ''] ?? 'look at the broker that leads it';
  const what = `topic "${topic}" answers ${type ?? 'nothing'}: its events wait; ${remedy}`;
  return new ExactlyOnceError('EO_BROKER_UNAVAILABLE', what, { cause: error });
}

export function brokerUnavailable(
  what: string,
  cause: unknown,
  details: Readonly<Record<string, unknown>> = {},
): ExactlyOnceError {
  return new ExactlyOnceError('EO_BROKER_UNAVAILABLE', what, { cause, details });
}
