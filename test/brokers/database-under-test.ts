/**
 * The database broker for the conformance suite, on whatever storage: each process has a broker of its own and can be
 * cut off.
 */
import { randomUUID } from 'node:crypto';
import {
  DatabaseBroker,
  type EventConsumer,
  keyHash,
  noTelemetry,
  type Storage,
  systemClock,
} from '@exactly-once/core';
import type { BrokerUnderTest } from '@exactly-once/testing';
import { around } from '../faults/worker/around.js';
import { cuttable } from './cut-off.js';
import type { Sabotage } from './sabotage.js';

export interface DatabaseGround {
  /** Opened; all on the same data. */
  storage(): Promise<Storage>;
  close(): Promise<void>;
}

const same = <T>(one: T): T => one;

export async function databaseUnderTest(
  { storage, close }: DatabaseGround,
  { storage: aroundStorage = same, broker: aroundBroker = same }: Sabotage = {},
): Promise<BrokerUnderTest> {
  const { log } = await storage();
  const consumers: EventConsumer[] = [];
  const unusedName = () => `suite-${randomUUID().slice(0, 8)}`;
  return {
    unusedName,
    createTopic: async (partitions) => {
      const topic = unusedName();
      await log.createTopics([topic], partitions);
      return topic;
    },
    process: async () => {
      const { storage: reached, cut, mend } = cuttable(await storage());
      const given = aroundStorage(reached);
      const broker = aroundBroker(
        around(new DatabaseBroker({ sessionTimeoutMs: 1_000 }), {
          consumer: (consumer) => (request) => {
            const made = consumer(request);
            consumers.push(made);
            return made;
          },
        }),
      );
      broker.bind(contextOf(given));
      return { broker, storage: given, cut, mend };
    },
    put: async (topic, { key, headers, body }) => {
      const hash = keyHash(key === null ? null : Buffer.from(key).toString('hex'), randomUUID());
      await log.append([{ topic, key, hash, headers, body }]);
    },
    close: async () => {
      await Promise.all(consumers.map((consumer) => consumer.stop(0)));
      await close();
    },
  };
}

export function contextOf(storage: Storage) {
  const said = process.env['EO_SUITE_LOG'] === undefined ? () => undefined : console.log;
  const logger = { debug: said, info: said, warn: said, error: said };
  return {
    storage,
    clock: systemClock,
    random: Math.random,
    logger,
    telemetry: noTelemetry,
    service: 'suite',
  };
}
