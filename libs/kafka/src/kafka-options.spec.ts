import { errorChain, noTelemetry, silentLogger, systemClock } from '@exactly-once/core';
import { describe, expect, it } from '@jest/globals';
import { kafkaBroker } from './kafka-broker.js';
import type { KafkaBrokerOptions } from './kafka-options.js';

const client = { brokers: ['localhost:9092'] };

describe('kafkaBroker', () => {
  it("hides the client's secrets in errors, wherever they stand", async () => {
    const sasl = { mechanism: 'plain', username: 'app', password: 'hush-hush' } as const;
    const broker = await kafkaBroker({ client: { ...client, sasl } }).create();
    const context = { storage: null, clock: systemClock, logger: silentLogger, telemetry: noTelemetry };
    broker.bind({ ...context, random: Math.random, service: 's' });

    expect(errorChain(new Error('app was told hush-hush'))).toEqual(['Error: app was told ***']);
  });

  it.each([
    ['a consumer option misspelt', { consumer: { sesionTimeout: 1 } }, /EO_OPTION_UNKNOWN.*"sessionTimeout"/],
    ['a producer option misspelt', { producer: { retri: {} } }, /EO_OPTION_UNKNOWN.*"retry"/],
    ['a producer option that is none', { producer: { compression: 1 } }, /EO_OPTION_UNKNOWN.*it knows/],
    ['a client option misspelt', { client: { broker: ['x'] } }, /EO_OPTION_UNKNOWN.*"brokers"/],
    ['a client without brokers', { client: {} }, /EO_OPTION_MISSING.*brokers/],
    ['a client with no broker', { client: { brokers: [] } }, /EO_OPTION_MISSING.*brokers/],
    ['no client', { client: undefined }, /EO_OPTION_MISSING.*client/],
    [
      'heartbeats that miss the session',
      { consumer: { heartbeatInterval: 60_000 } },
      /EO_OPTION_INVALID.*3333/,
    ],
    [
      'fetches that outlast the session',
      { consumer: { maxWaitTimeInMs: 500, sessionTimeout: 1_000 } },
      /EO_OPTION_INVALID.*333/,
    ],
    ['a session of no length', { consumer: { sessionTimeout: 0 } }, /EO_OPTION_INVALID/],
    ['a queue without a bound', { queue: { totalBytes: 0 } }, /EO_OPTION_INVALID.*totalBytes/],
    ['a prefix that no topic can have', { outboxPrefix: 'a b' }, /EO_OPTION_INVALID.*outboxPrefix/],
    ['another group', { consumer: { groupId: 'x' } }, /EO_OPTION_INVALID.*group/],
    ['fewer acknowledgements', { producer: { acks: 1 } }, /EO_OPTION_INVALID.*always all/],
  ])('refuses %s', (_, options, message) => {
    expect(() => kafkaBroker({ client, ...options } as KafkaBrokerOptions)).toThrow(message);
  });

  it('takes brokers, a function that finds them, and a client', () => {
    const own = { producer: () => ({}) };
    for (const given of [client, { brokers: async () => ['x'] }, own]) {
      expect(kafkaBroker({ client: given as never })).toHaveProperty('create');
    }
  });

  it('takes a short session, and parts of it that are no whole numbers', () => {
    const consumer = { sessionTimeout: 1_000, heartbeatInterval: 1_000 / 6 };
    expect(kafkaBroker({ client, consumer })).toHaveProperty('create');
  });
});
