/** Injection tokens, and the transport under which our handlers are registered. */

/** Our own transport: our handlers never register with a user's Kafka or RabbitMQ server, nor theirs with ours. */
export const exactlyOnceTransport = Symbol.for('@exactly-once/transport');

/** Name of the instance that is not named. */
export const defaultInstance = 'default';

export const instanceToken = (name: string): string => `ExactlyOnceInstance(${name})`;
export const optionsToken = (name: string): string => `ExactlyOnceOptions(${name})`;
export const outboxToken = (name: string): string => `ExactlyOnceOutbox(${name})`;
export const deadLettersToken = (name: string): string => `ExactlyOnceDeadLetters(${name})`;
export const serviceToken = (name: string): string => `ExactlyOnceService(${name})`;
/** Stands in a feature module, so that the explorer sees which instance a module chose. */
export const featureToken = 'ExactlyOnceFeature';
