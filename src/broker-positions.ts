/**
 * Asks a broker where groups stand, for the length of one command. Beside an event's life.
 *
 * Consumes and produces nothing, and makes no topic.
 */
import {
  DatabaseBroker,
  type GroupPositions,
  noTelemetry,
  type Storage,
  silentLogger,
  systemClock,
} from '@exactly-once/core';
import { type KafkaBrokerOptions, kafkaBroker } from '@exactly-once/kafka';

/** `client`: of Kafka; `null`: the database is the broker. `service`: how the broker may know this tool. */
export async function withPositions<T>(
  client: KafkaBrokerOptions['client'] | null,
  storage: Storage,
  service: string,
  work: (positions: GroupPositions) => Promise<T>,
): Promise<T> {
  const broker = client === null ? new DatabaseBroker() : await kafkaBroker({ client }).create();
  const context = { clock: systemClock, logger: silentLogger, telemetry: noTelemetry };
  broker.bind({ ...context, storage, random: Math.random, service });
  const positions = broker.positions!();
  try {
    return await work(positions);
  } finally {
    await positions.close();
    await broker.close();
  }
}
