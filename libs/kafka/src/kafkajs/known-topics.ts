/**
 * Producers of kafkajs that know from the beginning which topics they are for. Steps 2 and 6 of an event's life.
 *
 * Left to itself an idempotent producer of kafkajs asks for every topic of the cluster when it connects, and rejects
 * where any of them, whoever's it is, has no leader. There is no option for that: the topics are handed to what its own
 * factory makes (kafkajs 2.2.4). A client that has no such factory stays as it is.
 */
import type { Kafka } from 'kafkajs';

interface Cluster {
  readonly targetTopics?: Set<string>;
}

type Factory = (options: unknown) => Cluster;

const factoryName = 'private:Kafka:createCluster';

export function knowing(kafka: Kafka, topics: readonly string[]): Kafka {
  const name = Object.getOwnPropertySymbols(kafka).find(({ description }) => description === factoryName);
  if (name === undefined) return kafka;
  const make = (kafka as unknown as Record<symbol, Factory>)[name]!;
  const factory: Factory = (options) => {
    const cluster = make(options);
    for (const topic of topics) cluster.targetTopics?.add(topic);
    return cluster;
  };
  return Object.create(kafka, { [name]: { value: factory } }) as Kafka;
}
