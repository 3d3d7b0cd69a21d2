/**
 * Publishing: the relay alone, as `exactly-once relay` runs it, over an outbox that was filled before, beside a bare
 * idempotent producer that sends the same events from memory. All in batches of 1,000, `acks=all`, four partitions.
 */
import type { Benchmark } from '../benchmark.js';
import { producerRun, relayRun } from './relay-run.js';

export const relayBenchmark: Benchmark = {
  name: 'relay',
  unit: 'events/s',
  events: 100_000,
  contestants: [
    { name: 'producer', program: 'relay/producer.entry.js', run: producerRun },
    { name: 'relay', program: 'relay/relay.entry.js', setting: 'plain' },
    { name: 'transactional-relay', program: 'relay/relay.entry.js', setting: 'transactional' },
  ],
  ratios: {
    'relay/producer': ['relay', 'producer'],
    'transactional-relay/relay': ['transactional-relay', 'relay'],
  },
  run: relayRun,
};
