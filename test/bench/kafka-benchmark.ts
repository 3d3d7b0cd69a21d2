/**
 * From Kafka to Kafka: each order gives one record on another topic. With Kafka transactions of 1, 100 and 1,000 events at
 * most, beside the same without transactions.
 */
import type { Benchmark } from './harness/benchmark.js';
import { kafkaRun } from './kafka-run.js';

const sizes = [1, 100, 1_000];

export const kafkaBenchmark: Benchmark = {
  name: 'kafka',
  about: 'from topic to topic in Kafka transactions, beside none',
  unit: 'events/s',
  events: 10_000,
  contestants: sizes.flatMap((size) => [
    { name: `none@${size}`, program: 'contestants/plain-kafka.entry.js', setting: String(size) },
    { name: `transactions@${size}`, program: 'contestants/ours-kafka.entry.js', setting: String(size) },
  ]),
  ratios: Object.fromEntries(
    sizes.map((size) => [`transactions/none@${size}`, [`transactions@${size}`, `none@${size}`]] as const),
  ),
  run: kafkaRun,
  smoke: { events: 200, only: ['none@100', 'transactions@100'] },
};
